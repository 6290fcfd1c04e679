"""What is said of a live source while it is watched, and in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lrcn_model.predicting.prediction import Guess
from lrcn_model.predicting.segments import Segment


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveFrame:
    """What a frame shows.

    Attributes:
        seconds: When it is shown, in seconds after the source's first frame.
        guesses: The most probable classes, the most probable one first, as the net itself says it.
        latency: The seconds from when the frame was there until it was scored.
    """

    seconds: float
    guesses: list[Guess]
    latency: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLost:
    """The source has broken off, and is opened again.

    Attributes:
        seconds: How far it was, in seconds after its first frame.
        reason: Why, as far as that is known.
        again_in: The seconds until it is opened again.
    """

    seconds: float
    reason: str
    again_in: float


Seen: TypeAlias = LiveFrame | Segment | SourceLost
"""What watching a source gives: frames as they are scored, segments as they end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveSummary:
    """What there was of a source.

    Attributes:
        source: What the source is called.
        seconds: How far it went, in seconds after its first frame.
        frames: The number of frames at the run's rate that were scored.
        dropped: The number of those that were not, as the net was slower than the source.
        damaged: The number of packets and pictures that couldn't be decoded.
        reconnects: How many times the source was opened again.
        segments: The number of segments that have ended.
        latency: The median of the seconds from when a frame was there until it was scored, to a
            hundredth; None where no frame was.
        latency_95: The same, of which 95 % of the frames stayed below.
        longest_latency: The longest of them.
    """

    source: str
    seconds: float
    frames: int
    dropped: int
    damaged: int
    reconnects: int
    segments: int
    latency: float | None
    latency_95: float | None
    longest_latency: float | None


_LEAST, _STEP, _BINS = 1e-5, 1.01, 2200
"""The least time that is told from none, and how much longer each of so many times is than the one
before: up to 8 hours."""


class Latencies:
    """Quantiles of any number of times, to a hundredth, in the memory of a histogram."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self._longest: float | None = None

    def add(self, seconds: float) -> None:
        """Add a time."""
        place = np.log(max(seconds, _LEAST) / _LEAST) / np.log(_STEP)
        self._counts[min(round(place), _BINS - 1)] += 1
        self._longest = max(seconds, self._longest or 0.0)

    @property
    def longest(self) -> float | None:
        """The longest time; None before the first one."""
        return self._longest

    def quantile(self, share: float) -> float | None:
        """The time that a share of all times doesn't exceed; None before the first one."""
        if self._longest is None:
            return None
        sums = self._counts.cumsum()
        place = int(np.searchsorted(sums, share * sums[-1]))
        return min(float(_LEAST * _STEP**place), self._longest)
