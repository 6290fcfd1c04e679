"""Which rows an index has: some are there only where a data set's samples need them."""

from __future__ import annotations

from dataclasses import dataclass

IN_TIME = ("position", "clip")
"""The fields of an index of a data set with labels in time, in the order in which they stand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm:
    """Which rows an index has beside those that all have.

    Attributes:
        words: The number of words of a sample's set of classes; 0 where every sample has one class.
        in_time: Whether the fields of labels in time are there.
    """

    words: int = 0
    in_time: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of one row that not all indices have."""
        return IN_TIME if self.in_time else ()

    @property
    def rows(self) -> int:
        """The number of rows that not all indices have."""
        return self.words + len(self.fields)
