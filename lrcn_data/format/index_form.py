"""Which rows an index has: some are there only where a data set's samples need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from lrcn_data.format.class_sets import to_words, word_count
from lrcn_data.format.frame_classes import frame_word_count, to_frame_words
from lrcn_data.format.records import NO_CLASS, SampleRecord

IN_TIME = ("position", "clip")
"""The fields of one row of an index of a data set with labels in time, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexForm:
    """Which rows an index has beside those that all have.

    Attributes:
        words: The number of words of a sample's set of classes; 0 where every sample has one class.
        frame_words: The number of words of the classes of a sample's frames; 0 where labels are not
            in time.
    """

    words: int = 0
    frame_words: int = 0

    @classmethod
    def of(cls, *, sets_of: int, seq_len: int, labels_in_time: bool) -> Self:
        """The form of an index of samples, by what a manifest or a layout says of them."""
        frame_words = frame_word_count(seq_len) if labels_in_time else 0
        return cls(words=word_count(sets_of), frame_words=frame_words)

    @property
    def in_time(self) -> bool:
        """Whether labels are in time."""
        return self.frame_words > 0

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields of one row that not all indices have."""
        return IN_TIME if self.in_time else ()

    @property
    def several_rows(self) -> Mapping[str, int]:
        """The number of rows of each field that may have several, in the order of an index file."""
        return {"sets": self.words, "frame_labels": self.frame_words}

    @property
    def rows(self) -> int:
        """The number of rows that not all indices have."""
        return self.words + len(self.fields) + self.frame_words

    def of_record(self, record: SampleRecord) -> tuple[int, ...]:
        """What these rows have for a sample, given its record."""
        sets = to_words(record.classes or (), self.words)
        in_time = (getattr(record, name) for name in self.fields)
        frames = to_frame_words(record.labels, self.frame_words) if self.in_time else ()
        return (*sets, *in_time, *frames)

    def of_unreadable(self) -> tuple[int, ...]:
        """What these rows have for a sample whose record can't be read."""
        frames = to_frame_words((), self.frame_words)
        return (*to_words((), self.words), *(NO_CLASS for _ in self.fields), *frames)
