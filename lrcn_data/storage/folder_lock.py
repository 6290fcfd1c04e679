"""One run at a time in a folder: a lock that the kernel takes back when its owner dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrcn_data.errors import LrcnError

LOCK = ".lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone while the block runs.

    A POSIX record lock is not inherited by children, so that an orphaned worker can't keep it.

    Raises:
        LrcnError: Another run holds the folder.
    """
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise in_use(str(folder)) from error
        yield


def in_use(folder: str) -> LrcnError:
    """Make the error of a command that finds another one at work in its folder."""
    return LrcnError(f"{folder}: another run is writing there; wait for it, or use another --out")
