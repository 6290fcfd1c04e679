"""Labels in time: which class a video has from when to when, and so at each of its frames."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

UNLABELLED = -1
"""What a frame has that no segment covers: it is of no class, not even of a background."""

Unit = Literal["seconds", "frames"]

_DIGITS = 6
"""The decimals of a time in seconds, as frames' own times are rounded."""


class Segment(NamedTuple):
    """A part of a video that has a class.

    Attributes:
        start: Where it starts: seconds from the video's first frame, or a number of a frame,
            counted from 0.
        end: Where it has ended: the first moment, or frame, that is no longer in it.
        label: The number of its class.
    """

    start: float
    end: float
    label: int


@dataclass(frozen=True)
class TimeLabels:
    """The segments of a video.

    Where several cover a frame, it has the class of the one that starts last; of those that start
    together, of the one that ends first; of equal ones, of the last one.

    Attributes:
        segments: All segments, in the order in which they were listed.
        unit: What starts and ends are counted in.
        fps: The number of frames a second that the annotation says the video has; None if it
            doesn't say.
    """

    segments: tuple[Segment, ...]
    unit: Unit
    fps: float | None = None

    def at(self, moments: Iterable[float]) -> list[int]:
        """The class number of each of some frames, or `UNLABELLED`.

        Args:
            moments: The frames' own times in seconds, or their numbers, as `unit` says.
        """
        bounds, labels = self._parts
        found = (bisect_right(bounds, round(moment, _DIGITS)) - 1 for moment in moments)
        # beyond both ends there is no part
        return [labels[part] if 0 <= part < len(labels) else UNLABELLED for part in found]

    @property
    def longest(self) -> int:
        """The class that has the longest time in all; of equal ones, the one that comes first."""
        bounds, labels = self._parts
        total: dict[int, float] = defaultdict(float)
        for (start, end), label in zip(pairwise(bounds), labels, strict=True):
            total[label] += end - start
        total.pop(UNLABELLED, None)
        return max(total, key=total.__getitem__, default=UNLABELLED)

    @property
    def classes(self) -> tuple[int, ...]:
        """The numbers of all classes that the segments have, ascending."""
        return tuple(sorted({segment.label for segment in self.segments}))

    @property
    def overlap(self) -> float:
        """How much of the video segments of different classes claim, in the unit."""
        bounds, _ = self._parts
        claims: list[set[int]] = [set() for _ in pairwise(bounds)]
        for segment, first, behind in self._covered(bounds):
            for part in range(first, behind):
                claims[part].add(segment.label)
        return sum(
            end - start
            for (start, end), labels in zip(pairwise(bounds), claims, strict=True)
            if len(labels) > 1
        )

    @cached_property
    def _parts(self) -> tuple[list[float], list[int]]:
        """The bounds between parts of one class each, ascending, and the class of each part."""
        bounds = sorted({round(end, _DIGITS) for segment in self.segments for end in segment[:2]})
        labels = [UNLABELLED] * (len(bounds) - 1)
        for segment, first, behind in self._covered(bounds):
            labels[first:behind] = [segment.label] * (behind - first)
        return bounds, labels

    def _covered(self, bounds: list[float]) -> Iterable[tuple[Segment, int, int]]:
        """Each segment, those that win last, with the numbers of the parts that it covers."""
        for segment in sorted(self.segments, key=lambda one: (one.start, -one.end)):
            start, end = (round(bound, _DIGITS) for bound in segment[:2])
            yield segment, bisect_left(bounds, start), bisect_left(bounds, end)
