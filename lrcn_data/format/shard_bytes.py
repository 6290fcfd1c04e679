"""Byte ranges of shards: of several at a time, some ahead of their time, and of cached copies."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from lrcn_data.format.records import ShardEntry
from lrcn_data.storage.file_cache import FileCache
from lrcn_data.storage.locations import is_url
from lrcn_data.storage.positioned_files import PositionedFiles

_AT_A_TIME = 32
"""How many shards of stores are read from at the same time."""

_FETCHED_AT_A_TIME = 4
"""How many shards are copied to the cache at the same time, each in several parts."""


class ShardRange(NamedTuple):
    """A part of a shard.

    Attributes:
        location: The path or URL of the tar.
        entry: What the manifest says of the shard.
        offset: The number of the first byte, counted from 0.
        length: The number of bytes.
    """

    location: str
    entry: ShardEntry
    offset: int
    length: int


class ShardBytes:
    """Reads byte ranges of shards, of those in stores several at a time.

    May be pickled, may live through a fork, and threads may share it.

    Args:
        cache: Where whole shards of stores are kept on this machine; None for nowhere.
    """

    def __init__(self, cache: FileCache | None = None) -> None:
        self._cache = cache
        self._files = PositionedFiles()
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._ahead: dict[ShardRange, Future[bytes]] = {}
        self._readers = ThreadPoolExecutor(_AT_A_TIME, "lrcn-read")
        self._fetchers = ThreadPoolExecutor(_FETCHED_AT_A_TIME, "lrcn-fetch")

    def __reduce__(self) -> tuple[type[ShardBytes], tuple[FileCache | None]]:
        return type(self), (self._cache,)

    def read(self, ranges: Sequence[ShardRange]) -> list[bytes]:
        """Read ranges; one is shorter only if its file ends before.

        Raises:
            ShardError: A file can't be read.
        """
        paths = [self._path_here(wanted) for wanted in ranges]
        far = list(dict.fromkeys(w for w, path in zip(ranges, paths, strict=True) if path is None))
        being_read = self._take(far) if far else {}
        return [
            self._files.read(path, wanted.offset, wanted.length)
            if path is not None
            else being_read[wanted].result()
            for wanted, path in zip(ranges, paths, strict=True)
        ]

    def expect(self, ranges: Iterable[ShardRange]) -> None:
        """Begin to read ranges that are wanted soon, of shards in stores; `read` gives them."""
        self._renew()
        far = [wanted for wanted in dict.fromkeys(ranges) if self._path_here(wanted) is None]
        with self._lock:
            new = [wanted for wanted in far if wanted not in self._ahead]
            self._ahead |= self._begin(new)

    def fetch(self, location: str, entry: ShardEntry) -> None:
        """Begin to copy a shard of a store to the cache, if there is one."""
        self._renew()
        if self._cache is not None and is_url(location):
            self._fetchers.submit(self._path, location, entry)

    def _path_here(self, wanted: ShardRange) -> str | None:
        """The path of a shard that is on this machine, or of its copy; None if it has to be got."""
        if not is_url(wanted.location):
            return wanted.location
        if self._cache is None:
            return None
        entry = wanted.entry
        path = self._cache.kept(size=entry.bytes, sha256=entry.sha256)
        return None if path is None else str(path)

    def _take(self, ranges: Sequence[ShardRange]) -> dict[ShardRange, Future[bytes]]:
        """What is being read of ranges, of which those begin to be read that were not expected."""
        self._renew()
        with self._lock:
            found = {w: self._ahead.pop(w) for w in ranges if w in self._ahead}
        return found | self._begin([wanted for wanted in ranges if wanted not in found])

    def _begin(self, ranges: Sequence[ShardRange]) -> dict[ShardRange, Future[bytes]]:
        being_read = {wanted: Future[bytes]() for wanted in ranges}
        by_shard: dict[str, list[ShardRange]] = {}
        for wanted in ranges:
            by_shard.setdefault(wanted.location, []).append(wanted)
        for of_shard in by_shard.values():
            futures = [being_read[wanted] for wanted in of_shard]
            self._readers.submit(self._read_shard, of_shard, futures)
        return being_read

    def _read_shard(self, ranges: Sequence[ShardRange], futures: Sequence[Future[bytes]]) -> None:
        try:
            location = self._path(ranges[0].location, ranges[0].entry)
            parts = [(wanted.offset, wanted.length) for wanted in ranges]
            for data, future in zip(
                self._files.read_several(location, parts), futures, strict=True
            ):
                future.set_result(data)
        except BaseException as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error)

    def _path(self, location: str, entry: ShardEntry) -> str:
        """Where a shard is read from: its copy, which is made if there is room, or the store."""
        if self._cache is None:
            return location
        path = self._cache.path_of(location, size=entry.bytes, sha256=entry.sha256)
        return location if path is None else str(path)

    def _renew(self) -> None:
        if self._process != os.getpid():
            # threads and locks of the process that this one was forked from are not here
            self._reset()
