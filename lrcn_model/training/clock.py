"""How long an epoch takes, how fast its clips go through, and how much of it is waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_FADING = 0.9
"""The share of its weight that a step keeps in the rate when the next one is done."""


class EpochClock:
    """Starts when the steps of an epoch begin or go on.

    Args:
        seconds_before: Time that the epoch had taken before, in a training that was stopped.
        now: The time in seconds, from any fixed point.
    """

    def __init__(
        self, *, seconds_before: float = 0.0, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._now = now
        self._seconds_before = seconds_before
        self._began = self._last = now()
        self._waited = 0.0
        self._clips = self._seconds = 0.0

    @property
    def seconds(self) -> float:
        """Time that the epoch has taken by now."""
        return self._seconds_before + self._now() - self._began

    def waiting_for(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give the items one after another, and note how long each makes one wait."""
        iterator = iter(items)
        while True:
            began = self._now()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._waited += self._now() - began
            yield item

    @property
    def share_waiting(self) -> float:
        """Share of the time that was spent waiting for items, from 0 to 1."""
        return self._waited / max(self._now() - self._began, 1e-9)

    def rate(self, clips: int, *, done_at: float) -> float:
        """Clips per second, of late, now that the figures of one more step are known.

        Args:
            clips: How many the step had.
            done_at: When it was done, by the clock's own time; the step's time goes from the end of
                the step before, or from the clock's start, until then.
        """
        # sums that fade, so that a figure that people look at doesn't jump; a mean of the steps'
        # own rates would leap where one is found to be done right after the other
        self._clips = _FADING * self._clips + clips
        self._seconds = _FADING * self._seconds + done_at - self._last
        self._last = done_at
        return self._clips / max(self._seconds, 1e-9)
