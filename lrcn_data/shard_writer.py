"""Writes one shard: the tar with webdataset's TarWriter, its index, arrays and record.

A shard appears under its final name only when it is whole, and its record only after that, so a
reader or a later run never meets half of one.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

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

_HEADER = 512
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
    members: list[tuple[str, int, int, str]]


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
        frames: Sequence[npt.NDArray[np.uint8]] = (),
    ) -> None:
        """Append a sample.

        Args:
            record: Its json member.
            jpegs: Its encoded frames, seq_len of them.
            frames: The same before encoding, for the pixel sums: uint8 (height, width, 3) each.
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
                members=_member_lines(record.key, sample, offset),
            )
        )
        for frame in frames:
            self._sums.add(frame)

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
        sha256, checksums = self._checksums()
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
                sha256=sha256,
                skipped=skipped,
                failed=len(rejected) - skipped - partial,
            ),
            rejected=rejected,
            sources=sources,
            exact_frames=self._sums.exact_frames,
        )
        self._temporary.replace(self._paths.tar)
        sync_folder(self._paths.folder)
        write_atomically(self._paths.index, self._index())
        write_atomically(self._paths.arrays, self._arrays(checksums))
        write_atomically(self._paths.record, record.to_json())
        return record

    def _checksums(self) -> tuple[str, list[int]]:
        """SHA-256 of the file as it was written, and the CRC-32 of each sample's bytes."""
        whole = hashlib.sha256()
        checksums = []
        self._file.seek(0)
        for place in self._places:
            data = self._file.read(place.length)
            whole.update(data)
            checksums.append(zlib.crc32(data))
        whole.update(self._file.read())
        return whole.hexdigest(), checksums

    def _index(self) -> bytes:
        lines = [f"v1.2 {len(self._places)}"]
        for place in self._places:
            lines.append(" ".join(f"{e} {o} {s} {n}" for e, o, s, n in place.members))
        return ("\n".join(lines) + "\n").encode()

    def _arrays(self, checksums: list[int]) -> bytes:
        def column(name: str, dtype: type[np.generic]) -> Any:
            return np.array([getattr(place, name) for place in self._places], dtype)

        buffer = io.BytesIO()
        np.savez(
            buffer,
            pixel_sum=self._sums.pixel_sum,
            frame_count=np.int64(self._sums.frame_count),
            offset=column("offset", np.int64),
            length=column("length", np.int64),
            crc32=np.array(checksums, np.uint32),
            label=column("label", np.int64),
            num_valid=column("num_valid", np.int64),
        )
        return buffer.getvalue()


def _member_lines(
    key: str, sample: dict[str, bytes], start: int
) -> list[tuple[str, int, int, str]]:
    """(ending, offset of the data, size, name) of each member of a sample."""
    lines = []
    for ending, data in sample.items():
        start += _HEADER
        lines.append((ending, start, len(data), f"{key}.{ending}"))
        start += -(-len(data) // _HEADER) * _HEADER
    return lines
