"""An entry of a video list: one video with its class, or set of classes, and its split."""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.lists.time_labels import TimeLabels

Label = int | tuple[int, ...]
"""A class number, counted from 0; in multi-label lists the ascending class numbers of a set."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A video that a list names.

    Attributes:
        path: Path of the video as the list has it: relative to the root folder, or absolute.
        label: Class number, counted from 0, or the set of them; of a video with labels in time the
            class that it has for the longest time.
        split: `train`, `val` or `test`.
        line: Number of its line in the list, counted from 1; of several lines the first one's.
        times: The labels of the video in time; None where it has its label as a whole.
    """

    path: str
    label: Label
    split: str
    line: int
    times: TimeLabels | None = None

    @property
    def classes(self) -> tuple[int, ...]:
        """The numbers of all classes that the video has."""
        if self.times is not None:
            return self.times.classes
        return (self.label,) if isinstance(self.label, int) else self.label

    @property
    def label_text(self) -> str:
        """The class numbers as a list of numbers has them."""
        return str(self.label) if isinstance(self.label, int) else ",".join(map(str, self.label))
