"""Starting worker processes so that signals are left to the one who starts them, and wait."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

_HELD_BACK = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM while processes are started, which inherit that.

    The server that forks workers imports for a second first, and would end with a traceback; so it
    would if this process left it in the middle of a request.
    """
    # started before, since that lifts the block
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_through() -> None:
    """Undo in a worker process the holding back of signals that it has inherited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)
