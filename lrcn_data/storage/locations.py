"""Where a data set's files are read from: local paths, or any URL that fsspec knows.

A location is a local path or a URL, as text. Local files are opened directly, never through fsspec,
which is imported for the first URL. What the files mean is in the format's room.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import stat
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from lrcn_data.errors import ShardError, UsageError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_REFUSED = re.compile(r"(^|::)\s*pipe:", re.IGNORECASE)
_OPEN_FILES = 64
_MOST_BYTES = 1 << 28


def normal_location(location: str | os.PathLike[str]) -> str:
    """Write a path or URL in the one form in which locations are compared.

    Raises:
        UsageError: It is a `pipe:` location, which would run a program.
    """
    text = os.fspath(location)
    if _REFUSED.search(text):
        raise UsageError(
            f"{text!r} would run a program, which lrcn never does; fetch the shards first, or name"
            " a path or an fsspec URL"
        )
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if is_url(text):
        return text.rstrip("/")
    return os.path.normpath(text) if text else "."


def is_url(location: str) -> bool:
    """Whether a location is a URL, which fsspec reads; everything else is a local path."""
    return _URL.match(location) is not None


def join(folder: str, *names: str) -> str:
    """The location of a file in a folder."""
    if is_url(folder):
        return "/".join([folder, *names])
    return str(Path(folder, *names))


def split_location(location: str) -> tuple[str, str]:
    """Split a file's location into its folder and its name."""
    if is_url(location):
        return posixpath.split(location)
    folder, name = os.path.split(location)
    return folder or ".", name


def is_folder(location: str) -> bool:
    """Whether there is a folder at a location."""
    if is_url(location):
        system, path = _file_system(location)
        return bool(system.isdir(path))
    return os.path.isdir(location)  # noqa: PTH112 # no error for a name that is too long


def list_names(folder: str) -> list[str]:
    """The sorted names of all that is in a folder; none if there is no such folder.

    Raises:
        ShardError: The folder can't be read.
    """
    try:
        if is_url(folder):
            system, path = _file_system(folder)
            return sorted(posixpath.basename(p.rstrip("/")) for p in system.ls(path, detail=False))
        return sorted(path.name for path in Path(folder).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ShardError(f"{folder} can't be read: {error.strerror or error}") from error


def matching(pattern: str) -> list[str]:
    """The sorted locations that match a pattern with `*`, `?` and `[...]`."""
    if not is_url(pattern):
        anchor = Path(Path(pattern).anchor)
        parts = Path(pattern).relative_to(anchor)
        return sorted(str(path) for path in anchor.glob(str(parts)))
    system, path = _file_system(pattern)
    return sorted(str(system.unstrip_protocol(found)) for found in system.glob(path))


def size_of(location: str) -> int | None:
    """The size of a file in bytes, or None if there is no file.

    Raises:
        ShardError: There is something else than a file, or its size can't be found out.
    """
    try:
        if is_url(location):
            system, path = _file_system(location)
            size = system.size(path)
            return None if size is None else int(size)
        found = Path(location).stat()
        _check_regular(location, found)
        return found.st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ShardError(f"{location} can't be read: {error.strerror or error}") from error


def open_binary(location: str) -> BinaryIO:
    """Open a file for reading from its start.

    Raises:
        OSError: The file is not there, can't be read, or is a device, a pipe or a folder.
    """
    if is_url(location):
        system, path = _file_system(location)
        remote: BinaryIO = system.open(path, "rb")
        return remote
    return os.fdopen(_open_regular(location), "rb")


def read_whole(location: str) -> bytes:
    """Read all of a file that describes a data set.

    Raises:
        OSError: The file can't be read, or is larger than any such file is.
    """
    with open_binary(location) as file:
        known = 0 if is_url(location) else os.fstat(file.fileno()).st_size
        data = file.read(_MOST_BYTES + 1) if known <= _MOST_BYTES else b""
    if max(known, len(data)) > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"has more than {_MOST_BYTES:,} bytes")
    return data


def read_ahead(location: str) -> None:
    """Ask the system to bring a file into memory; only for local files, if the system can."""
    if is_url(location) or not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError):
        descriptor = _open_regular(location)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(descriptor)


def _open_regular(path: str) -> int:
    """Open a file that has an end; opening it waits for nobody, as that of a pipe would."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)


class PositionedFiles:
    """Reads byte ranges of files, and keeps those used last open.

    Each process opens files of its own when it first reads from them, so the object may be
    pickled and may live through a fork. Threads may share it.

    Args:
        limit: The largest number of files kept open.
    """

    def __init__(self, limit: int = _OPEN_FILES) -> None:
        self._limit = limit
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._files: OrderedDict[str, _LocalFile | _RemoteFile] = OrderedDict()

    def __reduce__(self) -> tuple[type[PositionedFiles], tuple[int]]:
        return type(self), (self._limit,)

    def read(self, location: str, offset: int, length: int) -> bytes:
        """Read `length` bytes from `offset` on; fewer only if the file ends before.

        Args:
            location: The file to read from.
            offset: Number of the first byte to read, counted from 0.
            length: Number of bytes to read.

        Raises:
            ShardError: The file can't be read.
        """
        try:
            return self._file(location).read(offset, length)
        except OSError as error:
            raise ShardError(f"{location} can't be read: {error}") from error

    def _file(self, location: str) -> _LocalFile | _RemoteFile:
        if self._process != os.getpid():
            # a lock held, or a connection open, when the process forked is of no use here
            self._reset()
        with self._lock:
            file = self._files.get(location)
            if file is None:
                file = _RemoteFile(location) if is_url(location) else _LocalFile(location)
                self._files[location] = file
                if len(self._files) > self._limit:
                    self._files.popitem(last=False)
            self._files.move_to_end(location)
            return file


class _LocalFile:
    """An open local file that is closed when the last reader lets go of it."""

    def __init__(self, path: str) -> None:
        self._descriptor = -1
        self._descriptor = _open_regular(path)

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        while len(data) < length:
            # one call gives at most 2 GiB, and a network file system may give less
            more = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class _RemoteFile:
    """A file behind a URL; each read is one request for a range."""

    def __init__(self, url: str) -> None:
        self._system, self._path = _file_system(url)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._system.cat_file(self._path, start=offset, end=offset + length))


def _file_system(url: str) -> tuple[Any, str]:
    """The file system that fsspec has for a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url} can't be read: {error}; install the package it names") from error
    except ValueError as error:
        raise UsageError(f"{url} is no URL that fsspec can read: {error}") from error
    return system, path
