"""What becomes of a video with too few frames for a clip, whatever the sampling (--short)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


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


def skip(positions: range, seq_len: int) -> list[ClipPicks]:
    """No clip."""
    return []


def loop(positions: range, seq_len: int) -> list[ClipPicks]:
    """One clip that begins anew when the frames are used up; all its frames count as real."""
    looped = tuple(positions[number % len(positions)] for number in range(seq_len))
    return [ClipPicks(number=0, positions=looped, num_valid=seq_len)]


def pad(positions: range, seq_len: int) -> list[ClipPicks]:
    """One clip that repeats the last frame, which counts as real once."""
    padded = tuple(positions[min(number, len(positions) - 1)] for number in range(seq_len))
    return [ClipPicks(number=0, positions=padded, num_valid=len(positions))]


SHORT: Mapping[str, Callable[[range, int], list[ClipPicks]]] = {
    "skip": skip,
    "loop": loop,
    "pad": pad,
}
"""What can be done, by its name: given at least 1 and fewer than seq_len positions."""
