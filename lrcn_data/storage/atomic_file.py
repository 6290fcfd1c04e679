"""Files that are there whole or not at all, whenever the process or the machine stops."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from lrcn_data.errors import LrcnError

TEMPORARY = ".partial"
"""Ending of files that are not whole yet; a later run removes those that a dead one left."""

_LEFTOVER = re.compile(rf"\.\d+{re.escape(TEMPORARY)}$")

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The numbers of errors that say that there is no room left."""


def write_failure(what: str, error: OSError) -> LrcnError:
    """Make the error of a command that can't write.

    Args:
        what: What can't be written.
        error: Why it can't.
    """
    named = f" ({error.filename})" if error.filename else ""
    remedy = "free some space" if error.errno in FULL else "mend it"
    return LrcnError(
        f"{what} can't be written: {error.strerror or error}{named}; {remedy}, then run the same"
        " command again"
    )


def temporary_name(path: Path) -> Path:
    """Where a file is written before it is whole: beside it, with a number of this process's own.

    On a disk that machines share, another machine's process may have the same number.
    """
    machine = zlib.crc32(socket.gethostname().encode())
    return path.with_name(f"{path.name}.{os.getpid()}{machine:010}{TEMPORARY}")


@contextmanager
def atomic_file(path: Path) -> Iterator[BufferedRandom]:
    """Open a file that takes its name, on the disk, when the block is left without an error.

    Raises:
        OSError: The file can't be written, for example because the disk is full.
    """
    temporary = temporary_name(path)
    # never through a link that somebody put there
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole under its name or not there at all.

    Raises:
        OSError: The file can't be written, for example because the disk is full.
    """
    with atomic_file(path) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the half-written files, and folders of such, that dead processes left in a folder."""
    for path in folder.glob(f"*{TEMPORARY}"):
        if not _LEFTOVER.search(path.name):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
