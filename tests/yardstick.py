"""How slow this machine is now, so that a limit in seconds means the same work on any machine."""

from __future__ import annotations

import time
import zlib

_REFERENCE = 0.2
"""Seconds of processor time that the yardstick takes where the limits were set."""


def slowness() -> float:
    """How many times as long as the machine where the limits were set this one takes; at least 1.

    It is processor time of work in Python, in C and in memory, the least of five. What other
    processes take of a core's caches and clock makes it longer, as it does what is measured.
    """
    return max(1.0, min(_yardstick() for _ in range(5)) / _REFERENCE)


def within(seconds: float, limit: float) -> bool:
    """Whether some work took less than a limit in seconds, as the machine is now.

    The machine is only measured, for a second, where the limit is exceeded.
    """
    return seconds < limit or seconds < limit * slowness()


def _yardstick() -> float:
    began = time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number ^ (number >> 3)
    zlib.compress(str(total).encode() * 500_000)
    bytearray(1 << 28)
    return time.process_time() - began
