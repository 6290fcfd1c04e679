"""Whatever is changed in a data set is found and named; what is sound has no faults."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lrcn_data.errors import ShardError
from lrcn_data.format.checked_manifest import load_manifest
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.records import ShardRecord, Source
from lrcn_data.format.shard_index import FIELDS, ShardIndex
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.format.split_index import SplitIndex, save_split_index
from lrcn_data.format.whole_sum import load_whole_sum, save_whole_sum, summed_tars
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.verify import Fault, verify

MakeDataSet = Callable[..., Path]


def faults_of(folder: Path, **options: object) -> list[str]:
    return [str(fault) for fault in verify(str(folder), **options)]  # type: ignore[arg-type]


def restate(folder: Path, name: str = "train-000") -> None:
    """Make the manifest and record say what the tar is now, as a forger would."""
    data = (folder / f"{name}.tar").read_bytes()
    changes = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest = json.loads((folder / "dataset.json").read_text())
    for entry in manifest["shards"]:
        if entry["file"] == f"{name}.tar":
            entry.update(changes)
    (folder / "dataset.json").write_text(json.dumps(manifest))
    record = json.loads((folder / f".meta/{name}.json").read_text())
    record["entry"].update(changes)
    (folder / f".meta/{name}.json").write_text(json.dumps(record))


def test_a_sound_data_set_has_no_faults(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 0, 2], "test": [1]}, sizes=((32, 24), (40, 16)))
    assert faults_of(folder) == []


def test_a_data_set_behind_a_url_is_checked_as_well(make_data_set: MakeDataSet) -> None:
    fsspec = pytest.importorskip("fsspec", reason="pip install fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(make_data_set()), "/verified", recursive=True)
    try:
        assert list(verify("memory://verified")) == []
        memory.rm("/verified/train-001.tar")
        (fault,) = verify("memory://verified")
        assert fault.file == "train-001.tar"
    finally:
        memory.rm("/verified", recursive=True)


def test_every_flipped_bit_of_a_tar_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    tar = folder / "train-000.tar"
    whole = tar.read_bytes()
    rng = random.Random(0)
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        tar.write_bytes(damaged)
        assert any(fault.startswith("train-000.tar: ") for fault in faults_of(folder))


def test_a_sample_that_says_another_length_than_it_has_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3]}, variable_length=True)
    tar = folder / "train-000.tar"
    tar.write_bytes(re.sub(rb'"num_valid":.', b'"num_valid":9', tar.read_bytes(), count=1))
    restate(folder)
    faults = faults_of(folder)
    assert "train-000.tar: sample 0 has num_valid 9 of " in faults[1]
    assert not any("frames" in fault and "but dataset.json says" in fault for fault in faults)


def test_a_missing_shard_is_a_fault_and_the_others_are_checked(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [1, 1, 1]})
    (folder / "train-001.tar").unlink()
    (folder / ".meta/train-002.idx").unlink()
    faults = faults_of(folder)
    assert len(faults) == 2
    assert faults[0].startswith("train-001.tar: can't be read")
    assert faults[1].startswith(".meta/train-002.idx: can't be read")


def test_an_unfinished_data_set_is_one_fault(make_data_set: MakeDataSet) -> None:
    (fault,) = verify(str(make_data_set(complete=False)))
    assert fault.file == "dataset.json"
    assert "not complete" in fault.detail


@pytest.mark.parametrize("array", FIELDS)
def test_arrays_that_do_not_fit_the_tar_are_found(make_data_set: MakeDataSet, array: str) -> None:
    folder = make_data_set(own_arrays=True)
    path = folder / ".meta/train-000.npz"
    arrays = dict(np.load(path))
    arrays[array] = arrays[array] + (1 if array != "num_valid" else -1)
    np.savez(path, **arrays)
    (fault,) = faults_of(folder)
    assert fault.startswith(".meta/train-000.npz: ")


@pytest.mark.parametrize("row", [FIELDS.index(name) for name in ("crc32", "label", "source")])
def test_a_splits_index_that_does_not_fit_a_tar_is_found(
    make_data_set: MakeDataSet, row: int
) -> None:
    folder = make_data_set()
    entries = load_manifest(DataSetFolder(folder)).shards[:2]
    indices = SplitIndex(DataSetFolder(folder), "train").shards(entries)
    rows = indices[1].rows
    rows[row, 0] ^= 1
    save_split_index(
        DataSetFolder(folder),
        "train",
        [(entries[0], indices[0]), (entries[1], ShardIndex.of_rows(rows))],
    )
    assert faults_of(folder) == [
        f".meta/train.npy: {FIELDS[row]} does not fit the samples of train-001.tar"
    ]


def test_a_splits_index_of_another_tar_is_found(make_data_set: MakeDataSet) -> None:
    folder, other = make_data_set(), make_data_set("other", seed=1)
    shutil.copy(other / ".meta/train.npy", folder / ".meta/train.npy")
    assert (
        f".meta/train.npy: {folder}/.meta/train.npy is of another train-000.tar"
        in (faults_of(folder)[0])
    )


def test_an_index_that_does_not_fit_the_tar_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    path = folder / ".meta/train-001.idx"
    path.write_text(path.read_text().replace(" 512 ", " 513 "))
    assert faults_of(folder) == [".meta/train-001.idx: does not fit the members in the tar"]


def test_a_record_that_says_otherwise_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    path = folder / ".meta/train-000.json"
    path.write_text(path.read_text().replace('"samples": 3', '"samples": 4'))
    assert faults_of(folder) == [
        ".meta/train-000.json: says something else of the shard than dataset.json"
    ]


def test_a_frame_that_does_not_decode_is_found_where_the_hash_is_right(
    make_data_set: MakeDataSet,
) -> None:
    folder = make_data_set(change_jpegs=lambda jpegs: [jpegs[0][:200], *jpegs[1:]])
    faults = faults_of(folder)
    assert len(faults) == 7
    assert all("can't be decoded" in fault for fault in faults)


def test_a_key_used_twice_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2, 2]}, own_arrays=True)
    for name in ("train-001.tar", ".meta/train-001.npz", ".meta/train-001.idx"):
        shutil.copy(folder / name.replace("001", "000"), folder / name)
    restate(folder, "train-001")
    faults = faults_of(folder)
    assert faults == [f"train-001.tar: the key train-000-0000{n} is used twice" for n in range(2)]


def test_counts_that_do_not_add_up_are_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "rejected.jsonl").write_text("")
    assert faults_of(folder) == ["rejected.jsonl: has 0 skipped entries, but dataset.json says 2"]


def test_a_shard_that_the_manifest_does_not_name_is_found(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    shutil.copy(folder / "train-000.tar", folder / "train-007.tar")
    (folder / "somebody-elses.tar").touch()
    assert faults_of(folder) == ["train-007.tar: is a shard that dataset.json does not name"]


@pytest.mark.parametrize("own_arrays", [False, True])
def test_pixel_sums_of_other_frames_are_found_by_a_deep_check(
    make_data_set: MakeDataSet, own_arrays: bool
) -> None:
    folder = make_data_set(sizes=((64, 48),), smooth=True, own_arrays=own_arrays)
    assert faults_of(folder, deep=True) == []
    if own_arrays:
        path = folder / ".meta/train-000.npz"
        arrays = dict(np.load(path))
        np.savez(path, **{**arrays, "pixel_sum": arrays["pixel_sum"] * 9 // 10})
    else:
        data_set = DataSetFolder(folder)
        pixel_sum, count = load_whole_sum(data_set, canvas=(64, 48), channels=3)
        tars = summed_tars(data_set, most=9)
        save_whole_sum(data_set, pixel_sum * 9 // 10, count, tars)
    assert faults_of(folder) == []
    (fault,) = faults_of(folder, deep=True)
    assert "levels a pixel away" in fault


def test_inputs_that_changed_are_found(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(samples={"train": [1]})
    videos = {"same.avi": b"1234", "changed.avi": b"1234", "cut.avi": b"1234", "gone.avi": b"1234"}
    sources = [
        Source(path=name, bytes=4, sha256=hashlib.sha256(data).hexdigest(), decoding="planned")
        for name, data in videos.items()
    ]
    (folder / ".meta/train.npy").unlink()
    list(rebuild_index(folder))
    path = folder / ".meta/train-000.json"
    record = ShardRecord.from_json(path.read_bytes())
    path.write_bytes(dataclasses.replace(record, sources=sources).to_json())
    for name, data in (("same.avi", b"1234"), ("changed.avi", b"1235"), ("cut.avi", b"123")):
        (tmp_path / name).write_bytes(data)
    faults = list(verify(str(folder), inputs=tmp_path))
    assert [fault.file for fault in faults] == ["changed.avi", "cut.avi", "gone.avi"]
    assert isinstance(faults[0], Fault)


def test_a_rebuilt_index_is_the_one_that_was_written(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 0]}, smooth=True)
    before = open_data_set(folder)
    index = (folder / ".meta/train-000.idx").read_bytes()
    sums = before.pixel_sums()[(32, 24)]
    shutil.rmtree(folder / ".meta")
    assert set(rebuild_index(folder)) == {
        ".meta/train-000.idx",
        ".meta/train-001.idx",
        ".meta/train.npy",
        ".meta/pixel_sum.npz",
    }
    assert faults_of(folder) == []
    assert (folder / ".meta/train-000.idx").read_bytes() == index
    after = open_data_set(folder)
    for name in ("offset", "length", "crc32", "label", "num_valid"):
        assert np.array_equal(getattr(after.indices[0], name), getattr(before.indices[0], name))
    rebuilt = after.pixel_sums()[(32, 24)]
    assert rebuilt[1] == sums[1]
    assert np.abs(rebuilt[0] - sums[0]).mean() / sums[1] < 2


def test_no_index_is_made_of_a_damaged_shard(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / ".meta/train.npy").unlink()
    tar = folder / "train-000.tar"
    data = bytearray(tar.read_bytes())
    data[108] ^= 1  # a digit of the owner's number, which no reader looks at
    tar.write_bytes(data)
    with pytest.raises(ShardError, match=r"train-000\.tar"):
        list(rebuild_index(folder))
    assert not (folder / ".meta/train.npy").exists()
