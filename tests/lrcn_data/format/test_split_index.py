"""The index of a split: what is written is read, and what is damaged or hostile is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.shard_index import FIELDS, ShardIndex
from lrcn_data.format.sources import source_number
from lrcn_data.format.split_index import SplitIndex, save_split_index
from lrcn_data.storage.folder import Folder


def shard(number: int, samples: int) -> tuple[ShardEntry, ShardIndex]:
    length = np.arange(1, samples + 1) * 512
    index = ShardIndex(
        offset=np.cumsum(length) - length,
        length=length,
        crc32=np.arange(samples) + 2**31,
        label=np.arange(samples) % 3,
        num_valid=np.full(samples, 8),
        source=-np.arange(samples),
    )
    entry = ShardEntry(
        file=f"train-{number:03d}.tar",
        split="train",
        samples=samples,
        bytes=512 * samples,
        sha256=f"{number:02x}" * 32,
    )
    return entry, index


SHARDS = [shard(200, 3), shard(1, 0), shard(2, 4)]
ENTRIES = [entry for entry, _ in SHARDS]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / ".meta").mkdir()
    save_split_index(Folder(tmp_path), "train", SHARDS)
    return Folder(tmp_path)


def test_what_is_written_is_read_again(folder: Folder) -> None:
    read = SplitIndex(folder, "train")
    assert len(read) == 7
    for found, (_, index) in zip(read.shards(ENTRIES), SHARDS, strict=True):
        np.testing.assert_array_equal(found.rows, index.rows)


def test_each_tar_can_be_found_by_its_number(folder: Folder) -> None:
    by_tar = dict(SplitIndex(folder, "train").by_tar())
    assert list(by_tar) == [source_number("c8" * 8), source_number("02" * 8)]
    np.testing.assert_array_equal(by_tar[source_number("02" * 8)].rows, SHARDS[2][1].rows)


def test_a_split_without_samples_has_an_index_too(tmp_path: Path) -> None:
    (tmp_path / ".meta").mkdir()
    save_split_index(Folder(tmp_path), "val", [SHARDS[1]])
    (found,) = SplitIndex(Folder(tmp_path), "val").shards([ENTRIES[1]])
    assert len(found) == 0
    assert list(SplitIndex(Folder(tmp_path), "val").by_tar()) == []


def test_an_index_of_other_shards_is_refused(folder: Folder) -> None:
    other, _ = shard(9, 4)
    with pytest.raises(ShardError, match="has 7 samples where the manifest says 11"):
        SplitIndex(folder, "train").shards([*ENTRIES, other])
    with pytest.raises(ShardError, match=r"is of another train-002\.tar"):
        SplitIndex(folder, "train").shards(ENTRIES[1:])
    with pytest.raises(ShardError, match=r"is of another train-009\.tar"):
        SplitIndex(folder, "train").shards([*ENTRIES[:2], other])


def test_an_index_that_goes_on_with_shards_to_come_is_that_of_those_before(folder: Folder) -> None:
    whole = SplitIndex(folder, "train").shards(ENTRIES)
    for one, other in zip(SplitIndex(folder, "train").shards(ENTRIES[:2]), whole, strict=False):
        np.testing.assert_array_equal(one.rows, other.rows)


@pytest.mark.parametrize("row", range(len(FIELDS) + 2))
def test_a_flipped_bit_in_any_row_is_found(folder: Folder, row: int) -> None:
    path = folder.path / ".meta/train.npy"
    rows = np.load(path)
    for bit in (0, 31, 63):
        damaged = rows.copy()
        damaged.view(np.uint64)[row, 4] ^= np.uint64(1 << bit)
        np.save(path, damaged)
        with pytest.raises(ShardError, match=r"is damaged where train-002\.tar stands"):
            SplitIndex(folder, "train").shards(ENTRIES)


class Executed:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._marker),)


def test_what_is_no_index_is_refused_and_nothing_in_it_is_executed(folder: Folder) -> None:
    path, marker = folder.path / ".meta/train.npy", folder.path / "executed"
    sound = path.read_bytes()
    objects = np.array([Executed(marker)], dtype=object)
    for number, data in enumerate((b"", sound[:100], sound[:-1], pickle.dumps(Executed(marker)))):
        path.write_bytes(data)
        with pytest.raises(ShardError, match=r"train\.npy can't be read"):
            SplitIndex(folder, "train").shards(ENTRIES)
        assert not marker.exists(), number
    for array in (objects, np.zeros((8, 7), ">i8"), np.zeros((7, 8), np.int64), np.zeros(8)):
        np.save(path, array)
        with pytest.raises(ShardError, match=r"train\.npy (can't be read|is .*, not int64)"):
            SplitIndex(folder, "train").shards(ENTRIES)
    assert not marker.exists()


def test_a_header_that_claims_a_giant_array_takes_no_memory(folder: Folder) -> None:
    path = folder.path / ".meta/train.npy"
    data = path.read_bytes().replace(b"(8, 7), }" + b" " * 9, b"(8, 7000000000), }")
    assert data != path.read_bytes()
    path.write_bytes(data)
    with pytest.raises(ShardError, match=r"train\.npy can't be read"):
        SplitIndex(folder, "train")


def test_what_is_no_regular_file_is_refused_without_waiting(folder: Folder) -> None:
    path = folder.path / ".meta/train.npy"
    path.unlink()
    with pytest.raises(ShardError, match=r"train\.npy is not there"):
        SplitIndex(folder, "train")
    os.mkfifo(path)
    with pytest.raises(ShardError, match="no regular file"):
        SplitIndex(folder, "train")
