"""Any store that fsspec knows: `hf://`, `memory://`, `http://`, `sftp://` and many more."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from lrcn_data.errors import UsageError


class FsspecStore:
    """A store that a file system of fsspec's reaches; see `store.Store`.

    Args:
        system: The file system.
    """

    def __init__(self, system: Any) -> None:
        self._system = system

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading from its start."""
        file: BinaryIO = self._system.open(path, "rb")
        return file

    def read(self, path: str) -> tuple[bytes, bytes]:
        """All of a small file, and its version."""
        data = bytes(self._system.cat_file(path))
        return data, data

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of a file, as concurrently as may be."""
        if len(ranges) == 1:
            [(offset, length)] = ranges
            return [bytes(self._system.cat_file(path, start=offset, end=offset + length))]
        starts = [offset for offset, _ in ranges]
        ends = [offset + length for offset, length in ranges]
        return [bytes(d) for d in self._system.cat_ranges([path] * len(ranges), starts, ends)]

    def size(self, path: str) -> int | None:
        """The size of a file in bytes."""
        size = self._system.size(path)
        return None if size is None else int(size)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return bool(self._system.isdir(path))

    def names(self, path: str) -> list[str]:
        """The names of all that is in a folder."""
        return [posixpath.basename(name.rstrip("/")) for name in self._inside(path, detail=False)]

    def sizes(self, path: str) -> dict[str, int]:
        """The size of each file in a folder, by its name."""
        return {
            posixpath.basename(one["name"]): one["size"]
            for one in self._inside(path, detail=True)
            if one["type"] == "file" and one["size"] is not None
        }

    def _inside(self, path: str, *, detail: bool) -> list[Any]:
        """The names of all that is in a folder, or what the store says of them."""
        # another process may have put files there since the store was last asked
        self._system.invalidate_cache(path)
        found: list[Any] = self._system.ls(path, detail=detail)
        return found

    def find(self, path: str) -> dict[str, int]:
        """The size of each file in and below a folder."""
        self._system.invalidate_cache(path)
        found = self._system.find(path, detail=True)
        return {posixpath.relpath(name, path): facts["size"] for name, facts in found.items()}

    def matching(self, pattern: str) -> list[str]:
        """The URLs that match a pattern."""
        return [str(self._system.unstrip_protocol(found)) for found in self._system.glob(pattern)]

    def upload(self, file: Path, path: str) -> None:
        """Copy a finished file of this machine into the store."""
        self._in_made_folder(path, lambda: self._system.put_file(str(file), path))

    def write(self, path: str, data: bytes) -> None:
        """Write a small file."""
        self._in_made_folder(path, lambda: self._system.pipe_file(path, data))

    def replace(self, path: str, data: bytes, version: bytes | None) -> bytes | None:
        """As the protocol says, but for a moment between looking and writing."""
        if version is not None:
            if not self._system.exists(path) or self.read(path)[1] != version:
                return None
            self.write(path, data)
            return data
        try:
            self._in_made_folder(path, lambda: self._system.pipe_file(path, data, mode="create"))
        except OSError:
            if self._system.exists(path):
                return None
            raise
        return data

    def delete(self, path: str) -> None:
        """Delete a file."""
        try:
            self._system.rm_file(path)
        finally:
            self._system.invalidate_cache(posixpath.dirname(path))

    def copy(self, path: str, to: str) -> None:
        """Copy a file within the store."""
        self._in_made_folder(to, lambda: self._system.copy(path, to))

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all that is in it."""
        try:
            self._system.rm(path, recursive=True)
        finally:
            self._system.invalidate_cache(posixpath.dirname(path))

    def _in_made_folder(self, path: str, write: Callable[[], object]) -> None:
        """Write a file; where the store has real folders, and its own is missing, make it."""
        folder = posixpath.dirname(path)
        try:
            write()
        except FileNotFoundError:
            root = path[: path.find("/", 1)]
            if not self._system.exists(root):
                raise  # a bucket, whose name may be mistyped, is not made
            self._system.makedirs(folder, exist_ok=True)
            write()
        finally:
            self._system.invalidate_cache(folder)


def fsspec_store(url: str) -> tuple[FsspecStore, str]:
    """The store behind a URL, and the path in it.

    Raises:
        UsageError: fsspec knows no such store, or its package is not installed.
    """
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url} can't be used: {error}; install the package it names") from error
    except ValueError as error:
        raise UsageError(f"{url} is no URL that fsspec knows: {error}") from error
    return FsspecStore(system), path
