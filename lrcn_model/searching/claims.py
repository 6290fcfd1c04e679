"""Which process does what: claims on numbered pieces of work, which end when their process does."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

_TURN, _FIRST = 0, 1
"""The byte that is locked by whoever looks for work, and that of piece 0."""


class Claims:
    """A file of which each process locks the bytes of what it does.

    They are POSIX record locks: the kernel takes them back when a process ends, however it does. A
    process holds all of its claims by one such object, as closing the file would end them.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process looks for work; others wait while the block runs."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, _TURN)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _TURN)

    def take(self, piece: int) -> bool:
        """Claim a piece of work; False where another process has it.

        Args:
            piece: The number of the piece, from 0.
        """
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _FIRST + piece)
        except OSError:
            return False
        return True

    def give_back(self, piece: int) -> None:
        """End a claim."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _FIRST + piece)
