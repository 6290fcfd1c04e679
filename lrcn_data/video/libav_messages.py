"""Collects what libav logs, since some damage is told nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import av.logging

Messages: TypeAlias = list[tuple[int, str, str]]
"""What libav logged: the level, source and text of each message."""


@contextmanager
def logged() -> Iterator[Messages]:
    """Collect libav's error messages for as long as the context lasts."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as messages:
            yield messages
    finally:
        av.logging.set_level(before)
