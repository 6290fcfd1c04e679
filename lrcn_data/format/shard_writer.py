"""Writes one shard: the tar with its index, arrays and record.

A shard appears under its final name only when it is whole, and its record only after that, so a
reader or a later run never meets half of one.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from lrcn_data.format.file_names import ShardPaths
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.format.records import Rejection, SampleRecord, ShardEntry, ShardRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import sample_bytes
from lrcn_data.format.shard_index import ShardIndex, index_text, member_lines
from lrcn_data.format.tar_members import tar_end
from lrcn_data.reasons import Reason
from lrcn_data.storage.atomic_file import atomic_file, sync_folder, temporary_name, write_atomically


@dataclass(frozen=True, slots=True)
class _WrittenSample:
    """What the index will say of a sample: where it lies, its checksum, label and real frames."""

    offset: int
    length: int
    crc32: int
    label: int
    num_valid: int


class ShardWriter:
    """Writes the files of one shard.

    Use it as a context manager. The shard exists once `finish` has been called, and not before;
    leaving the context without that call removes the temporary file.

    Args:
        paths: The paths of the files. The data set's folder and its .meta folder must exist.
        layout: How the shard's samples are made up.
        canvas: The (width, height) in pixels on which frames are summed up.
    """

    def __init__(self, paths: ShardPaths, *, layout: SampleLayout, canvas: Canvas) -> None:
        self._paths = paths
        self._layout = layout
        self._names = layout.endings
        self._sums = PixelSums(canvas, layout.channels)
        self._samples: list[_WrittenSample] = []
        self._lines: list[str] = []
        self._length = 0
        self._sha256 = hashlib.sha256()
        self._temporary = temporary_name(paths.tar)

    def __enter__(self) -> Self:
        self._file = self._temporary.open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def write(
        self,
        record: SampleRecord,
        frames: Sequence[bytes],
    ) -> None:
        """Append a sample; its pixels are added by `add_pixels`.

        Args:
            record: The content of its json member.
            frames: The encoded frames in time order, seq_len of them.
        """
        members = [*frames, str(record.label).encode(), record.to_json()]
        data = sample_bytes(record.key, self._names, members)
        self._samples.append(
            _WrittenSample(
                offset=self._length,
                length=len(data),
                crc32=zlib.crc32(data),
                label=record.label,
                num_valid=record.num_valid,
            )
        )
        self._lines.append(member_lines(data, self._length, self._names, record.key))
        self._append(data)

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._length += len(data)

    def add_pixels(self, sums: PixelSums) -> None:
        """Add the pixel sums of samples that are written."""
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
        """Give the shard its final name, then write its index and arrays, and last its record.

        Args:
            fingerprint: The fingerprint of the data set.
            split: `train`, `val` or `test`.
            videos: The number of list entries that belong to the shard.
            rejected: The entries that gave no clip, or not all of their clips.
            sources: The input videos as they were when they were decoded.

        Returns:
            The record that was written.
        """
        self._append(tar_end(self._length))
        self._file.flush()
        os.fsync(self._file.fileno())
        skipped = sum(line.reason == Reason.SHORT for line in rejected)
        partial = sum(line.reason == Reason.PARTIAL for line in rejected)
        record = ShardRecord(
            fingerprint=fingerprint,
            entry=ShardEntry(
                file=self._paths.tar.name,
                split=split,
                videos=videos,
                samples=len(self._samples),
                frames=len(self._samples) * self._layout.seq_len,
                bytes=self._length,
                sha256=self._sha256.hexdigest(),
                skipped=skipped,
                failed=len(rejected) - skipped - partial,
            ),
            rejected=rejected,
            sources=sources,
            exact_frames=self._sums.exact_frames,
        )
        # an earlier record of the shard goes first, so that it never stands beside another tar
        self._paths.record.unlink(missing_ok=True)
        self._temporary.replace(self._paths.tar)
        sync_folder(self._paths.folder)
        write_atomically(self._paths.index, index_text(self._lines))
        with atomic_file(self._paths.arrays) as file:
            self._index().save(file, self._sums.pixel_sum, self._sums.frame_count)
        write_atomically(self._paths.record, record.to_json())
        return record

    def _index(self) -> ShardIndex:
        samples = self._samples
        return ShardIndex(
            offset=np.array([sample.offset for sample in samples], np.int64),
            length=np.array([sample.length for sample in samples], np.int64),
            crc32=np.array([sample.crc32 for sample in samples], np.uint32),
            label=np.array([sample.label for sample in samples], np.int64),
            num_valid=np.array([sample.num_valid for sample in samples], np.int64),
        )
