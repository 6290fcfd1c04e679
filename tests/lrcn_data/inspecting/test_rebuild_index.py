from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.shard_index import ShardIndex
from lrcn_data.inspecting.rebuild_index import rebuild_index

MakeDataSet = Callable[..., Path]


def names(folder: Path) -> list[str]:
    return [path.name for path in rebuild_index(str(folder))]


def test_a_made_index_is_the_one_that_was_lost(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 2]})
    before = {path.name: path.read_bytes() for path in (folder / ".meta").glob("*.idx")}
    arrays = {
        n: ShardIndex.load(f"{folder}/.meta/train-{n:03d}.npz", samples=3 - n) for n in (0, 1)
    }
    shutil.rmtree(folder / ".meta")
    assert sorted(names(folder)) == [
        "train-000.idx",
        "train-000.npz",
        "train-001.idx",
        "train-001.npz",
    ]
    assert {path.name: path.read_bytes() for path in (folder / ".meta").glob("*.idx")} == before
    for number, array in arrays.items():
        made = ShardIndex.load(f"{folder}/.meta/train-{number:03d}.npz", samples=3 - number)
        for name in ("offset", "length", "crc32", "label", "num_valid"):
            np.testing.assert_array_equal(getattr(made, name), getattr(array, name))


def test_files_that_are_there_stay_as_they_are(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    (folder / ".meta/train-000.idx").unlink()
    before = (folder / ".meta/train-000.npz").read_bytes()
    assert names(folder) == ["train-000.idx"]
    assert (folder / ".meta/train-000.npz").read_bytes() == before
    assert names(folder) == []


def test_a_shard_that_is_not_the_manifests_gets_no_index(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    shutil.rmtree(folder / ".meta")
    tar = bytearray((folder / "train-000.tar").read_bytes())
    tar[-1] ^= 1  # in the zeros at the end of the tar: every sample is sound
    (folder / "train-000.tar").write_bytes(tar)
    with pytest.raises(ShardError, match=r"train-000\.tar"):
        names(folder)
    assert not list((folder / ".meta").glob("*.npz"))


def test_nothing_is_written_through_a_link(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(samples={"train": [2]})
    shutil.rmtree(folder / ".meta")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / ".meta").symlink_to(elsewhere)
    with pytest.raises(ShardError, match="is a link; nothing is written through it"):
        names(folder)
    assert list(elsewhere.iterdir()) == []


def test_a_url_is_refused() -> None:
    with pytest.raises(UsageError, match="s3://bucket/shards can't be written to"):
        list(rebuild_index("s3://bucket/shards"))
