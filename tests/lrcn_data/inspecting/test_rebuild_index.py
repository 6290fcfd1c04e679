from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.inspecting.rebuild_index import rebuild_index

MakeDataSet = Callable[..., Path]


def names(folder: Path) -> list[str]:
    return [name.removeprefix(".meta/") for name in rebuild_index(folder)]


@pytest.mark.parametrize("own_arrays", [False, True])
def test_a_made_index_is_the_one_that_was_lost(
    make_data_set: MakeDataSet, own_arrays: bool
) -> None:
    folder = make_data_set(samples={"train": [3, 2]}, own_arrays=own_arrays)
    before = {path.name: path.read_bytes() for path in (folder / ".meta").glob("*.idx")}
    rows = [index.rows for index in open_data_set(folder).indices]
    shutil.rmtree(folder / ".meta")
    assert sorted(names(folder)) == [
        "pixel_sum.npz",
        "train-000.idx",
        "train-001.idx",
        "train.npy",
    ]
    assert {path.name: path.read_bytes() for path in (folder / ".meta").glob("*.idx")} == before
    for old, new in zip(rows, open_data_set(folder).indices, strict=True):
        np.testing.assert_array_equal(new.rows[:-1], old[:-1])
        assert set(new.source.tolist()) == {UNKNOWN_SOURCE}


def test_the_records_say_which_files_the_samples_are_from(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 2]})
    before = (folder / ".meta/train.npy").read_bytes()
    (folder / ".meta/train.npy").unlink()
    assert names(folder) == ["train.npy"]
    assert (folder / ".meta/train.npy").read_bytes() == before


@pytest.mark.parametrize("own_arrays", [False, True])
def test_files_that_are_there_stay_as_they_are(
    make_data_set: MakeDataSet, own_arrays: bool
) -> None:
    folder = make_data_set(samples={"train": [2]}, own_arrays=own_arrays)
    (folder / ".meta/train-000.idx").unlink()
    before = {path: path.read_bytes() for path in (folder / ".meta").iterdir()}
    assert names(folder) == ["train-000.idx"]
    assert {path: path.read_bytes() for path in before} == before
    assert names(folder) == []


def test_a_shard_that_is_not_the_manifests_gets_no_index(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    shutil.rmtree(folder / ".meta")
    tar = bytearray((folder / "train-000.tar").read_bytes())
    tar[-1] ^= 1  # in the zeros at the end of the tar: every sample is sound
    (folder / "train-000.tar").write_bytes(tar)
    with pytest.raises(ShardError, match=r"train-000\.tar"):
        names(folder)
    assert not list((folder / ".meta").glob("*.np?"))


def test_nothing_is_written_through_a_link(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(samples={"train": [2]})
    shutil.rmtree(folder / ".meta")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / ".meta").symlink_to(elsewhere)
    with pytest.raises(ShardError, match="is a link; nothing is written through it"):
        names(folder)
    assert list(elsewhere.iterdir()) == []


def test_the_index_of_a_data_set_in_a_store_is_made_there(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2], "test": [1]})
    shutil.rmtree(folder / ".meta")
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/rebuilt", recursive=True)
    try:
        assert sorted(rebuild_index("memory://rebuilt")) == sorted(
            f".meta/{name}" for name in names(folder)
        )
        for path in (folder / ".meta").iterdir():
            assert memory.cat_file(f"/rebuilt/.meta/{path.name}") == path.read_bytes()
    finally:
        memory.rm("/rebuilt", recursive=True)
