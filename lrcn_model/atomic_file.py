"""Files that are there whole or not at all, whenever the process or the machine stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from lrcn_data.errors import LrcnError

_TEMPORARY = ".tmp"


@contextmanager
def atomic_file(path: Path) -> Iterator[BufferedRandom]:
    """A file to write that takes its name, on the disk, when the block is left without an error.

    There is one writer a folder (the run's lock), so that a temporary file left behind is
    overwritten by the next.

    Raises:
        LrcnError: It can't be written (disk full, no permission).
    """
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        try:
            # never through a link that somebody put there
            temporary.unlink(missing_ok=True)
            with temporary.open("x+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise LrcnError(
            f"{path} can't be written: {error}; what was there before is unchanged, and the same"
            " command goes on from it"
        ) from error


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
