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


def _yardstick() -> float:
    began = time.process_time()
    total = 0
    for number in range(2_000_000):
        total += number ^ (number >> 3)
    zlib.compress(str(total).encode() * 500_000)
    bytearray(1 << 28)
    return time.process_time() - began
