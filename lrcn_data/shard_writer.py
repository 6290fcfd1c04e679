"""Writes one shard: the tar with webdataset's TarWriter, its index, arrays and record.

A shard appears under its final name only when it is whole, and its record only after that, so a
reader or a later run never meets half of one.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from lrcn_data.errors import LrcnError
from lrcn_data.mean_image import Canvas, PixelSums
from lrcn_data.shard_format import (
    Rejection,
    SampleRecord,
    ShardEntry,
    ShardPaths,
    ShardRecord,
    Source,
    member_names,
)
from lrcn_data.shard_index import ShardIndex, index_text, member_lines

TEMPORARY = ".partial"
"""Ending of files that are not whole yet; a later run removes what a dead one left."""


def write_failure(what: str, error: OSError) -> LrcnError:
    """The error of a run whose data set can't be written: what, why, and the remedy."""
    named = f" ({error.filename})" if error.filename else ""
    return LrcnError(
        f"{what} can't be written: {error.strerror or error}{named}; free some space or mend it,"
        " then run the same command again"
    )


def temporary_name(path: Path) -> Path:
    """Where a file is written before it is whole: beside its place, a name of this process's."""
    return path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is either whole under its name or not there at all."""
    temporary = temporary_name(path)
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sample lies and what the reader needs to know of it."""

    offset: int
    length: int
    label: int
    num_valid: int
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReadBack:
    sha256: str
    index: ShardIndex
    lines: list[str]


class ShardWriter:
    """Writes the files of one shard.

    Use as a context manager; the shard exists after `finish` and only then. Leaving without it
    removes the temporary file.

    Args:
        paths: Where the files go; the folder and its .meta folder must exist.
        seq_len: Frames a clip.
        canvas: (width, height) of the pixel sums.
    """

    def __init__(self, paths: ShardPaths, *, seq_len: int, canvas: Canvas) -> None:
        self._paths = paths
        self._names = member_names(seq_len)
        self._sums = PixelSums(canvas)
        self._places: list[_Place] = []
        self._temporary = temporary_name(paths.tar)

    def __enter__(self) -> Self:
        from webdataset.writer import TarWriter

        self._file = self._temporary.open("w+b")
        # an integer mtime: a float one would cost 1 KiB a member
        self._tar: Any = TarWriter(self._file, encoder=False, mtime=0)
        # the writer leaves it at PAX, which gives the same bytes in twice the time
        self._tar.tarstream.format = tarfile.USTAR_FORMAT
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError, ValueError):
            # else the stream would try to write its rest when it is collected
            self._tar.close()
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def write(
        self,
        record: SampleRecord,
        jpegs: Sequence[bytes],
    ) -> None:
        """Append a sample; its pixels are added by `add_pixels`.

        Args:
            record: Its json member.
            jpegs: Its encoded frames, seq_len of them.
        """
        members = [*jpegs, str(record.label).encode(), record.to_json()]
        sample = dict(zip(self._names, members, strict=True))
        offset = self._tar.tarstream.offset
        self._tar.write({"__key__": record.key, **sample})
        self._places.append(
            _Place(
                offset=offset,
                length=self._tar.tarstream.offset - offset,
                label=record.label,
                num_valid=record.num_valid,
                key=record.key,
            )
        )

    def add_pixels(self, sums: PixelSums) -> None:
        """Add the pixel sums of the samples written."""
        self._sums.merge(sums)

    def finish(
        self,
        *,
        fingerprint: str,
        split: str,
        videos: int,
        rejected: list[Rejection],
        sources: list[Source],
    ) -> ShardRecord:
        """Put the shard under its final name, then its index and arrays, then its record."""
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        written = self._read_back()
        skipped = sum(line.reason == "short" for line in rejected)
        partial = sum(line.reason == "partial" for line in rejected)
        record = ShardRecord(
            fingerprint=fingerprint,
            entry=ShardEntry(
                file=self._paths.tar.name,
                split=split,
                videos=videos,
                samples=len(self._places),
                frames=len(self._places) * (len(self._names) - 2),
                bytes=size,
                sha256=written.sha256,
                skipped=skipped,
                failed=len(rejected) - skipped - partial,
            ),
            rejected=rejected,
            sources=sources,
            exact_frames=self._sums.exact_frames,
        )
        self._temporary.replace(self._paths.tar)
        sync_folder(self._paths.folder)
        arrays = written.index.to_bytes(self._sums.pixel_sum, self._sums.frame_count)
        write_atomically(self._paths.index, index_text(written.lines))
        write_atomically(self._paths.arrays, arrays)
        write_atomically(self._paths.record, record.to_json())
        return record

    def _read_back(self) -> _ReadBack:
        """Hash the file as it was written, and find every member in it."""
        whole = hashlib.sha256()
        checksums, lines = [], []
        self._file.seek(0)
        for place in self._places:
            data = self._file.read(place.length)
            whole.update(data)
            checksums.append(zlib.crc32(data))
            lines.append(member_lines(data, place.offset, self._names, place.key))
        whole.update(self._file.read())
        return _ReadBack(sha256=whole.hexdigest(), index=self._index(checksums), lines=lines)

    def _index(self, checksums: list[int]) -> ShardIndex:
        places = self._places
        return ShardIndex(
            offset=np.array([place.offset for place in places], np.int64),
            length=np.array([place.length for place in places], np.int64),
            crc32=np.array(checksums, np.uint32),
            label=np.array([place.label for place in places], np.int64),
            num_valid=np.array([place.num_valid for place in places], np.int64),
        )
