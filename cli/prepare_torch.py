"""How torch is imported; a module of its own, so that it costs no import."""

from __future__ import annotations

import os
import signal
from importlib import import_module
from importlib.util import find_spec

from lrcn_data.errors import UsageError


def prepare_torch(*besides: str) -> None:
    """Import torch: its threads sleep while they wait, and Ctrl-C waits until it is there.

    Threads that spin make each other wait where cores are shared: on two busy cores a step took
    six times as long. It must be said before torch is imported. Ctrl-C while torch imports numpy
    would be swallowed or end the process by abort(), as both happens in C++.

    Args:
        *besides: The packages that the command needs besides those of every net.

    Raises:
        UsageError: A package is not installed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    missing = [name for name in ("torch", "safetensors", *besides) if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} can't be imported, which this command needs; install what is"
            " missing with pip install 'lrcn[train]'"
        )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        import_module("torch")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
