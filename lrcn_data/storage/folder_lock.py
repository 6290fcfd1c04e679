"""Who may write into a folder: locks that the kernel takes back when their owner dies.

They are POSIX record locks on bytes of one file, which network file systems pass on to other
machines: a run by itself holds all bytes, a part of a run one of its own, and a part that does what
is only once for all of them holds the first.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from lrcn_data.errors import LrcnError

LOCK = ".lock"

StillHeld = Callable[[], None]
"""Raises an LrcnError if another process has taken over what this one holds, or an OSError if that
can't be found out."""

Alone = Callable[[], AbstractContextManager[None]]
"""Waits until no other part is in such a block, and keeps them out while its own runs."""


@contextmanager
def run_lock(folder: Path) -> Iterator[StillHeld]:
    """Hold a folder for this process alone while the block runs, which nobody can take over.

    A POSIX record lock is not inherited by children, so that an orphaned worker can't keep it.

    Raises:
        LrcnError: Another run holds the folder.
    """
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise in_use(str(folder)) from error
        yield lambda: None


@contextmanager
def part_lock(folder: Path, part: int) -> Iterator[Alone]:
    """Hold a part of the work in a folder for this process, beside others that hold other parts.

    Args:
        folder: The folder.
        part: The number of the part, from 0.

    Raises:
        LrcnError: Another run holds that part, or the whole folder.
    """
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, part + 1)
        except OSError as error:
            raise in_use(str(folder)) from error

        @contextmanager
        def alone() -> Iterator[None]:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0)
            try:
                yield
            finally:
                fcntl.lockf(file, fcntl.LOCK_UN, 1, 0)

        yield alone


def in_use(folder: str) -> LrcnError:
    """Make the error of a command that finds another one at work in its folder."""
    return LrcnError(f"{folder}: another run is writing there; wait for it, or use another --out")
