"""What is done with a video that has too few frames for a clip, whatever the sampling.

It is what --short says, or with --seq-len max that the clip is as short as the video.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lrcn_data.format.recipe import WHOLE


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipPicks:
    """The frames of one clip.

    Attributes:
        number: The number of the clip in its video, counted from 0.
        positions: The positions of its frames in the fps stream, in time order: seq_len of them, or
            fewer where a short video is taken as it is (`whole`).
        num_valid: The number of frames that are real; the rest repeat the last one (`pad`).
    """

    number: int
    positions: tuple[int, ...]
    num_valid: int


def skip(positions: range, seq_len: int) -> list[ClipPicks]:
    """Make no clip."""
    return []


def loop(positions: range, seq_len: int) -> list[ClipPicks]:
    """Make one clip that starts again when the frames are used up; all frames count as real."""
    looped = tuple(positions[number % len(positions)] for number in range(seq_len))
    return [ClipPicks(number=0, positions=looped, num_valid=seq_len)]


def pad(positions: range, seq_len: int) -> list[ClipPicks]:
    """Make one clip that repeats the last frame, which counts as real once."""
    padded = tuple(positions[min(number, len(positions) - 1)] for number in range(seq_len))
    return [ClipPicks(number=0, positions=padded, num_valid=len(positions))]


def whole(positions: range, seq_len: int) -> list[ClipPicks]:
    """Make one clip of all frames that there are."""
    return [ClipPicks(number=0, positions=tuple(positions), num_valid=len(positions))]


SHORT: Mapping[str, Callable[[range, int], list[ClipPicks]]] = {
    "skip": skip,
    "loop": loop,
    "pad": pad,
    WHOLE: whole,
}
"""What can be done with a short video, by its name. Each function is given the positions of the fps
stream, at least 1 and fewer than seq_len, and seq_len."""
