"""Which frames of the fps stream make a clip: pure functions of length, options and seed.

A draw depends on the seed, the video's path in its list, the clip's number and the block, and on
nothing else: not on workers, order, host, restarts or a library's random generator.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Literal

Sampling = Literal["blocks", "center", "windows"]
Short = Literal["skip", "loop", "pad"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipPicks:
    """The frames of one clip.

    Attributes:
        number: Of the clip in its video, from 0.
        positions: seq_len positions in the fps stream, in time order.
        num_valid: How many of them are real; the rest repeat the last one (`pad`).
    """

    number: int
    positions: tuple[int, ...]
    num_valid: int


def choose_clips(
    length: int,
    *,
    seq_len: int,
    sampling: Sampling,
    stride: int,
    clips: int,
    short: Short,
    seed: int,
    path: str,
) -> list[ClipPicks]:
    """Choose the frames of every clip of a video.

    Args:
        length: Frames in the video's fps stream.
        seq_len: Frames a clip.
        sampling: `blocks` picks one frame at random from each of seq_len consecutive blocks (Thung
            and Jiang), `center` each block's middle one, `windows` takes seq_len consecutive
            frames at every stride-th start (Donahue et al.).
        stride: Frames from one window's start to the next one's.
        clips: How many times `blocks` draws.
        short: What becomes of a video with fewer than seq_len frames.
        seed: Of the draws.
        path: Of the video in its list; part of what a draw depends on.

    Returns:
        The clips in order; none where the video has no frame, or is short and to be skipped.
    """
    if length == 0:
        return []
    if length < seq_len:
        return _short_clip(length, seq_len, short)
    if sampling == "windows":
        starts = list(range(0, length - seq_len + 1, stride))
        if starts[-1] + seq_len < length:
            starts.append(length - seq_len)
        positions = [tuple(range(start, start + seq_len)) for start in starts]
    elif sampling == "center":
        blocks = split_blocks(length, seq_len)
        positions = [tuple(start + size // 2 for start, size in blocks)]
    else:
        blocks = split_blocks(length, seq_len)
        positions = [
            tuple(
                start + drawn % size
                for (start, size), drawn in zip(
                    blocks, draws(seed, path, clip, seq_len), strict=True
                )
            )
            for clip in range(clips)
        ]
    return [
        ClipPicks(number=number, positions=chosen, num_valid=seq_len)
        for number, chosen in enumerate(positions)
    ]


def split_blocks(length: int, count: int) -> list[tuple[int, int]]:
    """(start, size) of `count` consecutive blocks, the first length mod count one frame longer."""
    size, longer = divmod(length, count)
    return [(block * size + min(block, longer), size + (block < longer)) for block in range(count)]


def draws(seed: int, path: str, clip: int, blocks: int) -> list[int]:
    """A uniform 64-bit number a block: the first 8 bytes of a SHA-256 of what it depends on."""
    before = os.fsencode(f"{seed}\0{path}\0{clip}\0")
    digests = [hashlib.sha256(before + b"%d" % block).digest() for block in range(blocks)]
    return [int.from_bytes(digest[:8], "big") for digest in digests]


def _short_clip(length: int, seq_len: int, short: Short) -> list[ClipPicks]:
    if short == "skip":
        return []
    if short == "loop":
        positions = tuple(position % length for position in range(seq_len))
        return [ClipPicks(number=0, positions=positions, num_valid=seq_len)]
    positions = tuple(min(position, length - 1) for position in range(seq_len))
    return [ClipPicks(number=0, positions=positions, num_valid=length)]
