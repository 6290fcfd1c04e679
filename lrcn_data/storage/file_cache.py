"""Whole files of stores, kept in a folder on this machine for as long as there is room.

Processes share the folder, and any of them may be killed at any time. A file has its SHA-256 as its
name, and gets that name when all of it is there and has been found to be what it should. While it
is fetched it has another name, of a size that is set aside at once; whoever fetches it holds a lock
of the kernel's on it, which ends with the process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.storage import remote_files
from lrcn_data.storage.atomic_file import FULL, TEMPORARY

_LOCK = ".lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCache:
    """A folder on this machine in which whole files of stores are kept.

    What a process reads, or may read again in its next epoch, is never removed for something else
    that it reads: a set of files that is read in turn again and again, and has no room, would
    otherwise be fetched anew each time. So files are removed that were used before this object was
    made, the least recently used first.

    Attributes:
        folder: The folder, which is made where that is needed.
        most_bytes: The most bytes that files in it may have together.

    Raises:
        UsageError: The folder can't be made.
    """

    folder: Path
    most_bytes: int
    _began: float = field(default_factory=time.time, init=False)

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"--cache-dir {self.folder} can't be made ({error.strerror}); name another folder"
            ) from error

    @classmethod
    def of(cls, folder: Path, most_bytes: int | None) -> FileCache:
        """The cache in a folder, of a size: None for what is free, less a tenth of the disk.

        Raises:
            UsageError: The folder can't be made.
        """
        cache = cls(folder=folder, most_bytes=most_bytes or 0)
        if most_bytes is not None:
            return cache
        disk = shutil.disk_usage(folder)
        used = sum(status.st_size for _, status in cache._files())
        return cls(folder=folder, most_bytes=max(0, used + disk.free - disk.total // 10))

    def kept(self, *, size: int, sha256: str) -> Path | None:
        """The path of a file's copy, which counts as used; None if there is none.

        Args:
            size: The bytes that the file must have.
            sha256: The file's SHA-256, in hexadecimal.
        """
        path = self.folder / sha256
        return path if _is_used(path, size) else None

    def path_of(self, url: str, *, size: int, sha256: str) -> Path | None:
        """The path of a file's copy, which is fetched where it isn't there.

        Args:
            url: The file's URL.
            size: The bytes that it must have.
            sha256: The SHA-256 that it must have, in hexadecimal.

        Returns:
            The path, whose file may be removed once it isn't open any more; None where there is no
            room for it.

        Raises:
            ShardError: The file can't be fetched, or isn't what it must be.
        """
        path = self.folder / sha256
        if _is_used(path, size):
            return path
        try:
            with self._being_fetched(path, size) as copy:
                if copy is not None:
                    _fetch(url, copy, size=size, sha256=sha256)
                    Path(copy.name).replace(path)
        except OSError as error:
            if error.errno not in FULL:
                raise ShardError(f"{url} can't be fetched: {error.strerror or error}") from error
        return path if _is_used(path, size) else None

    @contextmanager
    def _being_fetched(self, path: Path, size: int) -> Iterator[BufferedRandom | None]:
        """Hold the copy that a file is fetched into, for this thread alone while the block runs.

        Gives None where another one has fetched it meanwhile, or there is no room for it.
        """
        partial = path.with_name(path.name + TEMPORARY)
        with partial.open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_used(path, size) or not _is_at(partial, lock.fileno()):
                # fetched, and perhaps removed again, while this one waited
                with suppress(FileNotFoundError):
                    if _is_at(partial, lock.fileno()):
                        partial.unlink()
                yield None
                return
            try:
                if not self._set_aside(lock.fileno(), size):
                    yield None
                    return
                with partial.open("r+b") as copy:
                    yield copy
            finally:
                if _is_at(partial, lock.fileno()):
                    partial.unlink()

    def _set_aside(self, descriptor: int, size: int) -> bool:
        """Make a copy as large as it will be, if there is room for it or some can be made."""
        with (self.folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.ftruncate(descriptor, 0)
            if not self._make_room(size):
                return False
            os.posix_fallocate(descriptor, 0, size)
            return True

    def _make_room(self, size: int) -> bool:
        """Remove what was used least recently, and not since this began, until there is room."""
        found = sorted(self._files(), key=lambda file: file[1].st_mtime)
        total = sum(status.st_size for _, status in found)
        old = [(path, status) for path, status in found if status.st_mtime < self._began]
        if total - sum(status.st_size for _, status in old) + size > self.most_bytes:
            return False
        for path, status in old:
            if total + size <= self.most_bytes:
                break
            if _is_being_fetched(path):
                continue
            path.unlink(missing_ok=True)
            total -= status.st_size
        return total + size <= self.most_bytes

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                if path.name != _LOCK and path.is_file():
                    yield path, path.stat()


def _fetch(url: str, copy: BufferedRandom, *, size: int, sha256: str) -> None:
    """Fetch a file into its copy.

    Raises:
        ShardError: It isn't what it must be.
        OSError: It can't be fetched, or there is no room for it.
    """
    length = remote_files.fetch(url, copy, most=size)
    copy.flush()
    os.fsync(copy.fileno())
    copy.seek(0)
    if length != size or hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
        raise ShardError(
            f"{url} is not what the manifest says; `lrcn-data verify` finds all that is damaged;"
            " copy the shard again or make it anew"
        )


def _is_used(path: Path, size: int) -> bool:
    """Whether a whole file is there, which counts as used from now on."""
    try:
        if path.stat().st_size != size:
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is the one that has a name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_being_fetched(path: Path) -> bool:
    """Whether a process holds a copy; one that is dead holds none."""
    if not path.name.endswith(TEMPORARY):
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
