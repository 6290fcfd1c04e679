"""Starts worker processes so that only the process that starts them is interrupted by signals.

A signal that comes while they are being started waits until they are.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

_HELD_BACK = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM while processes are started; these inherit the block.

    The server that forks workers spends its first second importing modules, and a signal during
    that time would end it with a traceback. The same would happen if this process were interrupted
    in the middle of a request to it.
    """
    # started first, since starting it lifts the block
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_through() -> None:
    """Lift, in a worker process, the block of signals that it has inherited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)
