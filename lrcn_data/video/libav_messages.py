"""Collects what libav logs, since some damage is told nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import av.logging

Messages: TypeAlias = list[tuple[int, str, str]]
"""What libav logged: the level, source and text of each message."""


@contextmanager
def logged() -> Iterator[Messages]:
    """Collect libav's error messages for as long as the context lasts, those of this thread."""
    with _ERRORS, av.logging.Capture() as messages:
        yield messages


class _ErrorLevel:
    """Has libav log errors as long as any thread is in this context: the level is the process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = av.logging.get_level()
                av.logging.set_level(av.logging.ERROR)
                av.logging.set_skip_repeated(False)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                av.logging.set_level(self._before)


_ERRORS = _ErrorLevel()
