"""Files of stores as files of this machine, with one copy for all processes that work together."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrcn_data.storage.folder import Folder

_Identity = tuple[int, int]
"""The device and the inode of a file, which no other file has as long as this one is open."""


class SharedCopies:
    """Copies of a store's files, each of which is fetched once, by whoever wants it first.

    May be pickled: the processes that get this object open the copies that it has by then, so that
    what they map of them is the same memory. A copy stays as long as the process that has made it
    keeps the object. It has no name on the disk, so that nothing is left of it, however that
    process ends. This needs Linux; elsewhere every use fetches the file.
    """

    def __init__(self) -> None:
        self._there: dict[str, tuple[Path, _Identity]] = {}

    @contextmanager
    def local_file(self, folder: Folder, name: str) -> Iterator[Path]:
        """A file as one on this machine: itself, or a copy, for as long as the block runs.

        Args:
            folder: The folder of the file.
            name: The file's name in it.

        Raises:
            OSError: The file is not there or can't be read.
        """
        if folder.is_local or sys.platform != "linux":
            with folder.local_file(name) as path:
                yield path
            return
        location = folder.at(name)
        if location not in self._there or not _is_still(*self._there[location]):
            self._there[location] = self._fetch(folder, name)
        yield self._there[location][0]

    def _fetch(self, folder: Folder, name: str) -> tuple[Path, _Identity]:
        copy = tempfile.TemporaryFile(prefix="lrcn-")  # noqa: SIM115 - closed with this object
        weakref.finalize(self, copy.close)
        with folder.open(name) as file:
            shutil.copyfileobj(file, copy)
        copy.flush()
        return Path(f"/proc/{os.getpid()}/fd/{copy.fileno()}"), _identity(os.fstat(copy.fileno()))


def _is_still(path: Path, identity: _Identity) -> bool:
    """Whether there still is a file at a path, and the one that was."""
    try:
        return _identity(path.stat()) == identity
    except OSError:
        return False


def _identity(facts: os.stat_result) -> _Identity:
    return facts.st_dev, facts.st_ino
