"""The index of all samples of a split in one file, which readers map into memory.

Whole numbers of 64 bits, a column a sample in the manifest's order: the rows of `ShardIndex`, one
for the tar, and one with a sum over the others by which damage is noticed. All processes of a
machine share the memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError
from lrcn_data.format.file_names import split_index
from lrcn_data.format.index_form import IndexForm
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.shard_index import ALIKE, FIELDS, REMEDY, ShardIndex
from lrcn_data.format.sources import source_number
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.shared_copies import SharedCopies

_TAR, _CHECK = -2, -1
"""The rows after those of a shard's index."""

_FACTOR = 0x9E3779B97F4A7C15
"""An odd number: the product with it is another one, modulo 2**64, whatever bit is flipped."""


def save_split_index(
    folder: Folder, split: str, shards: Sequence[tuple[ShardEntry, ShardIndex]]
) -> None:
    """Write the index of a split.

    Args:
        folder: The data set's folder.
        split: `train`, `val` or `test`.
        shards: The split's shards in the manifest's order, each with its index.

    Raises:
        OSError: The file can't be written.
    """
    form = shards[0][1].form if shards else ALIKE
    rows = np.zeros((_row_count(form), sum(len(index) for _, index in shards)), np.int64)
    start = 0
    for entry, index in shards:
        part = rows[:, start : start + len(index)]
        part[:_TAR], part[_TAR] = index.rows, source_number(entry.sha256)
        part[_CHECK] = _check_sums(part)
        start += len(index)
    if not _is_there(folder, split, rows, form):
        with folder.create(split_index(split)) as file:
            np.save(file, rows)


def _row_count(form: IndexForm) -> int:
    return len(FIELDS) + form.rows + 2


def _is_there(folder: Folder, split: str, rows: npt.NDArray[np.int64], form: IndexForm) -> bool:
    """Whether the index of a split is written already, just as it is to be."""
    try:
        return folder.has(split_index(split)) and SplitIndex(folder, split, form).equals(rows)
    except ShardError:
        return False


class SplitIndex:
    """The index of a split, opened for reading.

    Args:
        folder: The data set's folder.
        split: `train`, `val` or `test`.
        form: Which rows there are beside those that all indices have.
        copies: Where the file is copied to from a store; None for a copy of this object's own.

    Raises:
        ShardError: The file can't be read, or is no index.
    """

    def __init__(
        self,
        folder: Folder,
        split: str,
        form: IndexForm = ALIKE,
        copies: SharedCopies | None = None,
    ) -> None:
        self._form = form
        self._copies = copies or SharedCopies()
        self._name = split_index(split)
        self._location = folder.at(self._name)
        self._rows = self._open(folder, _row_count(form))

    def __len__(self) -> int:
        return int(self._rows.shape[1])

    def equals(self, rows: npt.NDArray[np.int64]) -> bool:
        """Whether the file holds these rows."""
        return np.array_equal(self._rows, rows)

    def shards(self, entries: Sequence[ShardEntry]) -> list[ShardIndex]:
        """The index of each shard of the split.

        The file may go on with shards that an append is about to add, so that a reader who has
        the manifest of before finds what it says.

        Args:
            entries: The split's shards in the manifest's order.

        Raises:
            ShardError: The file is of other shards.
        """
        ends = np.cumsum([0, *(entry.samples for entry in entries)])
        if ends[-1] > len(self):
            raise ShardError(
                f"{self._location} has {len(self):,} samples where the manifest says"
                f" {ends[-1]:,}; {REMEDY}"
            )
        return [
            self._shard(entry, int(start), int(end))
            for entry, start, end in zip(entries, ends[:-1], ends[1:], strict=True)
        ]

    def samples(self, count: int) -> ShardIndex:
        """The first samples of all shards as one index, whose offsets are those in each tar."""
        return ShardIndex.of_rows(self._rows[:_TAR, :count], self._form)

    def by_tar(self) -> Iterator[tuple[int, ShardIndex]]:
        """The index of each tar that has samples, with the number that stands for the tar.

        What is damaged is left out.
        """
        tars = self._rows[_TAR]
        starts = [0, *(np.flatnonzero(np.diff(tars)) + 1).tolist(), len(self)]
        for start, end in itertools.pairwise(starts):
            part = self._rows[:, start:end]
            index = ShardIndex.of_rows(part[:_TAR], self._form)
            if end > start and _is_sound(part) and index.is_in_order:
                yield int(tars[start]), index

    def _shard(self, entry: ShardEntry, start: int, end: int) -> ShardIndex:
        part = self._rows[:, start:end]
        if not _is_sound(part):
            raise ShardError(f"{self._location} is damaged where {entry.file} stands; {REMEDY}")
        if not (part[_TAR] == source_number(entry.sha256)).all():
            raise ShardError(f"{self._location} is of another {entry.file}; {REMEDY}")
        index = ShardIndex.of_rows(part[:_TAR], self._form)
        if not index.is_in_order:
            raise ShardError(
                f"{self._location} has samples of {entry.file} that don't follow one another;"
                f" {REMEDY}"
            )
        return index

    def _open(self, folder: Folder, count: int) -> npt.NDArray[np.int64]:
        if not folder.has(self._name):
            raise ShardError(f"{self._location} is not there; {REMEDY}")
        try:
            with self._copies.local_file(folder, self._name) as path:
                mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except Exception as error:
            # numpy raises several kinds of errors on damaged bytes
            raise ShardError(f"{self._location} can't be read: {error}; {REMEDY}") from error
        # its slices would be memmaps too, which took half the time of opening 10,000 shards
        rows: npt.NDArray[np.int64] = np.asarray(mapped)
        if rows.dtype != np.int64 or rows.ndim != 2 or rows.shape[0] != count:
            raise ShardError(
                f"{self._location} is {rows.dtype} {rows.shape}, not int64 ({count}, samples);"
                f" {REMEDY}"
            )
        return rows


def _is_sound(rows: npt.NDArray[np.int64]) -> bool:
    return np.array_equal(rows[_CHECK], _check_sums(rows))


def _check_sums(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A sum over each column, but for the row that holds it; any flipped bit changes it."""
    factors = [pow(_FACTOR, row + 1, 1 << 64) for row in range(len(rows) - 1)]
    sums = np.zeros(rows.shape[1], np.uint64)
    for factor, row in zip(factors, rows[:_CHECK], strict=True):
        sums += row.view(np.uint64) * np.uint64(factor)
    return sums.view(np.int64)
