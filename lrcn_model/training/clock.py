"""How long an epoch takes, how fast its clips go through, and how much of it is waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


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
        self._rate = 0.0

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

    def rate(self, clips: int) -> float:
        """Clips per second, of late, now that some more are done.

        Args:
            clips: How many have been done since the last call, or since the clock was started.
        """
        now = self._now()
        rate = clips / max(now - self._last, 1e-9)
        # smoothed, so that a figure that people look at doesn't jump
        self._rate = 0.9 * self._rate + 0.1 * rate if self._rate else rate
        self._last = now
        return self._rate
