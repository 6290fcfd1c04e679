"""Which frames of the fps stream make a clip: pure functions of length, options and seed.

A draw depends on the seed, the video's path in its list, the clip's number and the block, and on
nothing else: not on workers, order, host, restarts or a library's random generator.
"""

from __future__ import annotations

import hashlib
import os

from lrcn_data.errors import LrcnError
from lrcn_data.sampling.sampling import Draw, Positions, Sampling
from lrcn_data.sampling.samplings import name_of
from lrcn_data.sampling.short_videos import SHORT, ClipPicks


def choose_clips(
    length: int, *, sampling: Sampling, short: str, seed: int, path: str
) -> list[ClipPicks]:
    """Choose the frames of every clip of a video.

    Args:
        length: The number of frames in the video's fps stream.
        sampling: Decides which of these frames make a clip.
        short: What to do with a video that has fewer than seq_len frames: one of the names in
            `SHORT`.
        seed: The seed of the random draws.
        path: The path of the video as its list has it; the draws depend on it.

    Returns:
        The clips in order; none if the video has no frame, or if it is too short and is to be
        skipped.

    Raises:
        LrcnError: The sampling has chosen frames that can't be a clip.
    """
    if length == 0:
        return []
    positions = range(length)
    if length < sampling.seq_len:
        return SHORT[short](positions, sampling.seq_len)
    chosen = sampling.choose(positions, drawing(seed, path))
    for clip in chosen:
        _check_clip(clip, positions, sampling)
    return [
        ClipPicks(number=number, positions=tuple(clip), num_valid=sampling.seq_len)
        for number, clip in enumerate(chosen)
    ]


def drawing(seed: int, path: str) -> Draw:
    """Make the function that draws the random numbers of a video.

    Each number is the first 8 bytes of a SHA-256 of everything that the draw depends on.

    Args:
        seed: The seed of all draws.
        path: The path of the video as its list has it.
    """
    before = os.fsencode(f"{seed}\0{path}\0")

    def draw(clip: int, block: int) -> int:
        digest = hashlib.sha256(before + b"%d\0%d" % (clip, block)).digest()
        return int.from_bytes(digest[:8], "big")

    return draw


def _check_clip(clip: Positions, positions: range, sampling: Sampling) -> None:
    """Refuse a clip that no sampling may choose, before it becomes a sample.

    Raises:
        LrcnError: The clip has another number of frames than seq_len, or frames that don't exist.
    """
    inside = positions.start <= min(clip, default=-1) and max(clip) < positions.stop
    if len(clip) != sampling.seq_len or not inside:
        raise LrcnError(
            f"--sampling {name_of(sampling)} chose the positions {list(clip)!s:.120} of"
            f" {len(positions)} where {sampling.seq_len} of them are wanted; mend its choose()"
        )
