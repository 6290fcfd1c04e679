"""An entry of a video list: one video, its class and its split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A video of a list.

    Attributes:
        path: As the list has it: relative to the root, or absolute.
        label: Class number from 0.
        split: train, val or test.
        line: Its line in the split's list, from 1.
    """

    path: str
    label: int
    split: str
    line: int
