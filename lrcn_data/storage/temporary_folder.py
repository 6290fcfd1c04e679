"""Folders for a process's own files that don't stay behind, even where the process is killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "lrcn-own-"
"""What the names begin with; other programs' folders are never looked into."""

_LOCK = ".alive"
"""The file that the folder's process keeps locked, which ends with it however that ends."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder, where this machine has temporary files, that is gone when the block ends.

    Those that killed processes have left there are removed first.

    Raises:
        OSError: It can't be made.
    """
    _remove_dead(Path(tempfile.gettempdir()))
    around = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with (around / f"{_LOCK}.new").open("wb") as lock:
            # where files can't be locked, nobody takes a folder for a dead process's either
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            # it has that name only once it is locked, so that it is never seen unlocked
            (around / f"{_LOCK}.new").rename(around / _LOCK)
            (around / "files").mkdir()
            yield around / "files"
    finally:
        shutil.rmtree(around, ignore_errors=True)


def _remove_dead(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        # another user's, or just being removed by its process
        with suppress(OSError):
            descriptor = os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(descriptor)
