"""How torch is imported; a module of its own, so that it costs no import."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec

from lrcn_data.errors import UsageError


def prepare_torch(*besides: str) -> None:
    """Import torch, or say what is missing where it is.

    Args:
        *besides: The packages that the command needs besides those of every net.

    Raises:
        UsageError: A package is not installed.
    """
    require_torch(*besides)
    import_torch()


def require_torch(*besides: str) -> None:
    """Have torch's threads sleep while they wait, and say what is missing where torch is.

    Threads that spin make each other wait where cores are shared: on two busy cores a step took
    six times as long. It must be said before torch is imported.

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


def import_torch() -> None:
    """Import torch, for which Ctrl-C waits: its C++ swallows it or calls abort() meanwhile."""
    received = []
    before = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        import torch  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        signal.raise_signal(signal.SIGINT)
