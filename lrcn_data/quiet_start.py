"""Starting worker processes so that a Ctrl-C is left to the one who started them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Hold back Ctrl-C while processes are started, which inherit that.

    The server that forks workers imports for a second first, and would end with a traceback.
    """
    # started before, since that lifts the block
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
