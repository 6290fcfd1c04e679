"""Writes one shard to temporary files: its tars with their indices and arrays, and its record.

`DataSetFolder.put_shard` gives them their names when all of them are finished, so a reader or a
later run never meets half of a shard.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from lrcn_data.format.data_set_folder import WrittenShard
from lrcn_data.format.file_names import ShardFiles, part_name
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.format.records import (
    LabelFinding,
    Rejection,
    SampleRecord,
    ShardEntry,
    ShardRecord,
    Source,
)
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import sample_bytes
from lrcn_data.format.shard_index import FIELDS, ShardIndex, index_text, member_lines
from lrcn_data.format.sources import UNKNOWN_SOURCE, source_number
from lrcn_data.format.tar_members import tar_end
from lrcn_data.reasons import Reason
from lrcn_data.storage.atomic_file import temporary_name

DEFAULT_SHARD_BYTES = 256 << 20
"""The size of a tar in bytes up to which samples are added to it."""


class ShardWriter:
    """Writes the files of one shard.

    Use it as a context manager. `finish` hands over the finished files; leaving the context without
    that call removes them.

    Args:
        scratch: The folder in which the temporary files are written.
        name: The shard's name, without an ending.
        layout: How the shard's samples are made up.
        canvas: The (width, height) in pixels on which frames are summed up; None where they are
            not.
        most_bytes: The size in bytes that a tar may have. Samples that don't fit go into another
            one; a tar always has at least one sample.
    """

    def __init__(
        self,
        scratch: Path,
        name: str,
        *,
        layout: SampleLayout,
        canvas: Canvas | None,
        most_bytes: int = DEFAULT_SHARD_BYTES,
    ) -> None:
        self._scratch = scratch
        self._name = name
        self._layout = layout
        self._most_bytes = most_bytes
        self._sums = PixelSums(canvas, layout.channels) if canvas else None
        self._parts: list[_Part] = []
        self._finished = False

    def __enter__(self) -> Self:
        self._begin_part()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for part in self._parts:
            part.close()
            for temporary in () if self._finished else part.temporaries.values():
                temporary.unlink(missing_ok=True)

    def write(self, record: SampleRecord, frames: Sequence[bytes], sha256: str = "") -> None:
        """Append a sample; its pixels are added by `add_pixels`.

        Args:
            record: The content of its json member.
            frames: The encoded frames in time order, seq_len of them or, where clips differ in
                their number of frames, up to seq_len.
            sha256: The SHA-256 of the input file that it is from, in hexadecimal; empty if it is
                not known.
        """
        members = [*frames, record.label_member(), record.to_json()]
        data = sample_bytes(record.key, self._layout.endings_of(len(frames)), members)
        self.copy(data, record, sha256)

    def copy(self, data: bytes, record: SampleRecord, sha256: str = "") -> None:
        """Append a sample as it lies in another tar, byte for byte.

        Args:
            data: All of its bytes, from its first header to the end of the last padding.
            record: The content of its json member.
            sha256: The SHA-256 of the input file that it is from, as for `write`.
        """
        if not self._parts[-1].has_room(len(data), self._most_bytes):
            self._parts[-1].finish()
            self._begin_part()
        self._parts[-1].write(data, record, source_number(sha256) if sha256 else UNKNOWN_SOURCE)

    def add_pixels(self, sums: PixelSums) -> None:
        """Add the pixel sums of samples that are written."""
        if self._sums is not None:
            self._sums.merge(sums)

    def finish(
        self,
        *,
        fingerprint: str,
        split: str,
        videos: int,
        rejected: list[Rejection],
        sources: list[Source],
        labelling: Sequence[LabelFinding] = (),
        exact_frames: int | None = None,
    ) -> WrittenShard:
        """Finish all files; they are on the disk under their temporary names.

        Args:
            fingerprint: The fingerprint of the data set.
            split: `train`, `val` or `test`.
            videos: The number of list entries that belong to the shard.
            rejected: The entries that gave no clip, or not all of their clips.
            sources: The input videos as they were when they were decoded.
            labelling: What is unusual about the labels in time of the input videos.
            exact_frames: The number of frames of the canvas's size among those that are summed up;
                None to count them in `add_pixels`.

        Returns:
            The record and the files, which now are the caller's.
        """
        self._parts[-1].finish()
        for part in self._parts:
            part.save_index(self._sums if part is self._parts[0] else None)
        skipped = sum(line.reason == Reason.SHORT for line in rejected)
        partial = sum(line.reason == Reason.PARTIAL for line in rejected)
        first, *others = (
            ShardEntry(
                file=part.files.tar,
                split=split,
                videos=0 if number else videos,
                samples=part.samples,
                frames=part.frames,
                bytes=part.bytes,
                sha256=part.sha256,
                skipped=0 if number else skipped,
                failed=0 if number else len(rejected) - skipped - partial,
            )
            for number, part in enumerate(self._parts)
        )
        if exact_frames is None:
            exact_frames = self._sums.exact_frames if self._sums else 0
        record = ShardRecord(
            fingerprint=fingerprint,
            entry=first,
            rejected=rejected,
            sources=sources,
            exact_frames=exact_frames,
            parts=others,
            labelling=list(labelling),
        )
        self._finished = True
        files = {name: path for part in self._parts for name, path in part.temporaries.items()}
        name = ShardFiles(self._name).record
        files[name] = temporary_name(self._scratch / Path(name).name)
        with files[name].open("wb") as file:
            file.write(record.to_json())
            _flush(file)
        return WrittenShard(name=self._name, record=record, files=files)

    def _begin_part(self) -> None:
        name = part_name(self._name, len(self._parts))
        self._parts.append(_Part(self._scratch, ShardFiles(name), self._layout))


class _Part:
    """A tar that is being written, and what its index will say.

    Args:
        scratch: The folder in which the temporary files are written.
        files: The names that the files will have.
        layout: How its samples are made up.

    Attributes:
        files: The names that the files will have.
        temporaries: The files so far, by these names.
        bytes: The size of the tar so far, in bytes.
        frames: The number of frames so far.
    """

    def __init__(self, scratch: Path, files: ShardFiles, layout: SampleLayout) -> None:
        self.files = files
        self.temporaries = {files.tar: temporary_name(scratch / files.tar)}
        self.bytes = self.frames = 0
        self._scratch = scratch
        self._layout, self._form = layout, layout.index_form
        self._rows: list[tuple[int, ...]] = []
        self._lines: list[str] = []
        self._sha256 = hashlib.sha256()
        self._file = self.temporaries[files.tar].open("wb")

    @property
    def samples(self) -> int:
        """The number of samples so far."""
        return len(self._rows)

    @property
    def sha256(self) -> str:
        """The SHA-256 of all bytes so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def has_room(self, length: int, most: int) -> bool:
        """Whether a sample of so many bytes may be added to a tar of at most so many."""
        end = self.bytes + length
        return not self._rows or end + len(tar_end(end)) <= most

    def write(self, data: bytes, record: SampleRecord, source: int) -> None:
        """Append a sample, given its bytes and what the index says of it."""
        facts = (zlib.crc32(data), record.label, record.num_valid, source)
        self._rows.append((self.bytes, len(data), *facts, *self._form.of_record(record)))
        frames = len(record.frame_times)
        endings = self._layout.endings_of(frames)
        self._lines.append(member_lines(data, self.bytes, endings, record.key))
        self.frames += frames
        self._append(data)

    def finish(self) -> None:
        """End the tar, and see that all of it is on the disk."""
        self._append(tar_end(self.bytes))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def save_index(self, sums: PixelSums | None) -> None:
        """Write the index and the arrays, the latter with pixel sums if there are some."""
        form = self._form
        rows = np.array(self._rows, np.int64).reshape(-1, len(FIELDS) + form.rows).T
        with self._create(self.files.dali_index) as file:
            file.write(index_text(self._lines))
            _flush(file)
        with self._create(self.files.arrays) as file:
            pixel_sum = None if sums is None else sums.pixel_sum
            frame_count = 0 if sums is None else sums.frame_count
            index = ShardIndex.of_rows(np.ascontiguousarray(rows), form)
            index.save(file, pixel_sum, frame_count)
            _flush(file)

    def close(self) -> None:
        """Close the tar, whatever state it is in."""
        with suppress(OSError):
            self._file.close()

    def _create(self, name: str) -> BufferedWriter:
        self.temporaries[name] = temporary_name(self._scratch / Path(name).name)
        return self.temporaries[name].open("wb")

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self.bytes += len(data)


def _flush(file: BufferedWriter) -> None:
    file.flush()
    os.fsync(file.fileno())
