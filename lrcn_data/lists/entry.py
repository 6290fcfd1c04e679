"""An entry of a video list: one video with its class and its split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A video that a list names.

    Attributes:
        path: Path of the video as the list has it: relative to the root folder, or absolute.
        label: Class number, counted from 0.
        split: `train`, `val` or `test`.
        line: Number of its line in the list, counted from 1.
    """

    path: str
    label: int
    split: str
    line: int
