"""Reads a whole tar from start to end, and notes on the way all that its index should say."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO

import numpy as np

from lrcn_data.errors import ShardError
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import Sample, parse_sample, walk_samples
from lrcn_data.format.shard_index import FIELDS, ShardIndex, index_text, member_lines
from lrcn_data.format.sources import UNKNOWN_SOURCE

_PIECE = 1 << 20
_UNKNOWN = -1


class ShardScan:
    """Reads the samples of a tar one after another.

    Iterate over it once; after that, the properties and methods tell about the whole tar.

    Args:
        file: The tar, at its start.
        layout: How its samples should be made up.
    """

    def __init__(self, file: BinaryIO, layout: SampleLayout) -> None:
        self._file = HashedFile(file)
        self._layout = layout
        self._rows: list[tuple[int, ...]] = []
        self._form = layout.index_form
        self._videos: list[str] = []
        self._lines: list[str] = []

    def __iter__(self) -> Iterator[Sample | ShardError]:
        """Give each sample, or else the error that says what is wrong with it.

        Raises:
            ShardError: What follows is no sample at all. It is not read, as it may have no end.
        """
        offset = 0
        for data in walk_samples(self._file, self._layout):
            yield self._note(data, offset)
            offset += len(data)

    @property
    def size(self) -> int:
        """The size of the tar in bytes, once it was read to its end."""
        return self._file.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the tar in hexadecimal, once it was read to its end."""
        return self._file.digest.hexdigest()

    def index(self, sources: Mapping[str, int] = MappingProxyType({})) -> ShardIndex:
        """The index that the shard should have, for the samples that were read.

        Args:
            sources: The number of each input file, as `source_number` gives it, by the video's
                path as samples have it; those of the others are taken to be unknown.
        """
        form, source = self._form, FIELDS.index("source")
        rows = np.array(self._rows, np.int64).reshape(-1, len(FIELDS) + form.rows).T.copy()
        rows[source] = [sources.get(video, UNKNOWN_SOURCE) for video in self._videos]
        return ShardIndex.of_rows(rows, form)

    def index_text(self) -> bytes:
        """The content that the .idx should have, for the samples that were read."""
        return index_text(self._lines)

    def _note(self, data: bytes, offset: int) -> Sample | ShardError:
        place = (offset, len(data), zlib.crc32(data))
        try:
            sample = parse_sample(data, self._layout)
        except ShardError as error:
            unknown = (_UNKNOWN, _UNKNOWN, UNKNOWN_SOURCE)
            self._rows.append((*place, *unknown, *self._form.of_unreadable()))
            self._videos.append("")
            return error
        record = sample.record
        facts = (record.label, record.num_valid, UNKNOWN_SOURCE)
        self._rows.append((*place, *facts, *self._form.of_record(record)))
        self._videos.append(record.video)
        endings = self._layout.endings_of(len(sample.frames))
        self._lines.append(member_lines(data, offset, endings, record.key))
        return sample


class HashedFile:
    """A file whose bytes are hashed and counted as they are read.

    Args:
        file: The file, at its start.

    Attributes:
        digest: The SHA-256 of the bytes read so far.
        size: The number of bytes read so far.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; with -1, all that remain."""
        data = self._file.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data

    def finish(self) -> None:
        """Read the rest of the file, so that it is hashed and counted too."""
        while self.read(_PIECE):
            pass
