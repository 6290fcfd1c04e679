"""Byte ranges of files on this machine or in a store, with the files used last kept open."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence

from lrcn_data.errors import ShardError
from lrcn_data.storage import remote_files
from lrcn_data.storage.locations import is_url, open_regular

_OPEN_FILES = 64


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

    def read_several(self, location: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read several ranges of a file, of one in a store at the same time.

        Args:
            location: The file to read from.
            ranges: The offset and the length of each, as for `read`.

        Raises:
            ShardError: The file can't be read.
        """
        if not is_url(location):
            return [self.read(location, offset, length) for offset, length in ranges]
        try:
            return remote_files.read_ranges(location, ranges)
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
        self._descriptor = open_regular(path)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        while len(data) < length:
            # one call gives at most 2 GiB, and a network file system may give less
            more = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


class _RemoteFile:
    """A file behind a URL; each read is one request for a range."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self, offset: int, length: int) -> bytes:
        return remote_files.read_range(self._url, offset, length)
