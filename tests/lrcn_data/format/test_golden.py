"""The committed data sets of format version 1, which every later version must read."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import simplejpeg

from lrcn_data.errors import ShardError
from lrcn_data.format.checked_manifest import load_manifest
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.shard_index import FIELDS
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.stats import compute_stats
from lrcn_data.inspecting.verify import verify
from lrcn_data.making.data_card import data_card

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VARIANTS = ["v1", "every", "later", "appended", "sets", "lengths", "in_time", "joined"]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_golden_data_set_has_no_faults(name: str) -> None:
    assert list(verify(str(GOLDEN / name), deep=True)) == []


@pytest.mark.parametrize("name", VARIANTS)
def test_a_golden_data_set_gives_what_was_put_in(make: ModuleType, name: str) -> None:
    data_set = open_data_set(GOLDEN / name)
    assert data_set.classes == ["Archery", "Basket ball", "Überschlag"]
    assert (data_set.seq_len, str(data_set.fps)) == (4, "25/2")
    assert (data_set.skipped, data_set.failed) == (1, 0)
    further = {
        "every": ["train-000-1.tar", "train-000-2.tar"],
        "appended": ["train-001.tar"],
    }
    assert [shard.entry.file for shard in data_set.shards] == [
        *("train-000.tar", *further.get(name, []), "test-000.tar")
    ]
    sets = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [0, 1, 1]]
    labels = {"sets": sets, "in_time": [0, 2, -1, 1]}.get(name, [0, 2, 1, 1])
    assert data_set.labels.tolist() == labels
    assert data_set.num_valid.tolist() == [4, 4, 3, 4]
    clips = [("train", 0), ("train", 1), ("train", 2), ("test", 0)]
    for number, (split, clip) in enumerate(clips):
        sample = data_set.read_sample(number)
        assert sample.record == make.record(split, clip, name)
        assert len(sample.frames) == (3 if name == "lengths" and number == 2 else 4)
        for place, jpeg in enumerate(sample.frames):
            expected = make.frame(split, clip, place).astype(int)
            assert np.abs(simplejpeg.decode_jpeg(jpeg) - expected).max() <= 4


@pytest.mark.parametrize("name", VARIANTS)
def test_golden_pixel_sums_are_exact(make: ModuleType, name: str) -> None:
    data_set = open_data_set(GOLDEN / name, split="train")
    lengths = [4, 4, 3 if name == "lengths" else 4]
    frames = [
        make.frame("train", clip, number)
        for clip, length in enumerate(lengths)
        for number in range(length)
    ]
    pixel_sum, frame_count = data_set.pixel_sums()[(32, 24)]
    assert frame_count == sum(lengths)
    assert np.array_equal(pixel_sum, np.sum(frames, axis=0, dtype=np.int64))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_golden_script_writes_the_same_samples_today(
    make: ModuleType, tmp_path: Path, name: str
) -> None:
    make.main(name, tmp_path / "today")
    today, golden = open_data_set(tmp_path / "today"), open_data_set(GOLDEN / name)
    for number in range(4):
        assert today.read_sample(number).record == golden.read_sample(number).record


@pytest.mark.parametrize("name", ["v1", "lengths", "in_time"])
def test_the_golden_index_can_be_rebuilt(tmp_path: Path, name: str) -> None:
    from lrcn_data.inspecting.rebuild_index import rebuild_index

    shutil.copytree(GOLDEN / name, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy/.meta")
    list(rebuild_index(str(tmp_path / "copy")))
    for index in ("train-000.idx", "test-000.idx"):
        rebuilt = (tmp_path / "copy/.meta" / index).read_bytes()
        assert rebuilt == (GOLDEN / name / ".meta" / index).read_bytes()
    rebuilt_set, golden = open_data_set(tmp_path / "copy"), open_data_set(GOLDEN / name)
    assert rebuilt_set.num_valid.tolist() == [4, 4, 3, 4]
    for index, before in zip(rebuilt_set.indices, golden.indices, strict=True):
        known = [row for row in range(len(index.rows)) if row != FIELDS.index("source")]
        assert np.array_equal(index.rows[known], before.rows[known])


@pytest.mark.parametrize("name", VARIANTS)
def test_golden_data_sets_are_described_and_shown(name: str, tmp_path: Path) -> None:
    stats, _ = compute_stats(str(GOLDEN / name), workers=1)
    assert {split: found.clips for split, found in stats.splits.items()} == {"train": 3, "test": 1}
    shutil.copytree(GOLDEN / name, tmp_path / "copy")
    assert data_card(load_manifest(DataSetFolder(tmp_path / "copy"))).startswith("---")


def test_clips_of_several_lengths_are_told_apart_by_what_they_require(tmp_path: Path) -> None:
    manifest = json.loads((GOLDEN / "lengths/dataset.json").read_bytes())
    assert manifest["requires"] == ["variable-length"]
    assert (manifest["options"]["seq_len"], manifest["options"]["short"]) == (4, "whole")
    assert [(shard["samples"], shard["frames"]) for shard in manifest["shards"]] == [
        (3, 11),
        (1, 4),
    ]
    index = (GOLDEN / "lengths/.meta/train-000.idx").read_text().splitlines()
    assert [len(line.split()) // 4 for line in index[1:]] == [6, 6, 5]


def test_a_data_set_made_from_others_says_of_which_and_what_was_chosen(make: ModuleType) -> None:
    manifest = load_manifest(DataSetFolder(GOLDEN / "joined"))
    assert manifest.made_from[0] == make.MADE_FROM
    assert [one.options for one in manifest.made_from] == [{"quality": 95}, {"quality": 90}]
    assert manifest.choice == {"classes": manifest.classes, "per_class": 1, "seed": 0}
    assert (manifest.mean_exact, manifest.decoded_frames) == (False, 12)


def test_labels_in_time_are_told_apart_by_what_they_require() -> None:
    manifest = json.loads((GOLDEN / "in_time/dataset.json").read_bytes())
    assert manifest["requires"] == ["labels-in-time"]
    assert manifest["options"]["labels_in_time"] is True
    data_set = open_data_set(GOLDEN / "in_time")
    assert data_set.positions is not None
    assert data_set.clip_numbers is not None
    assert data_set.positions.tolist() == [0, 4, 0, 0]
    assert data_set.clip_numbers.tolist() == [0, 1, 0, 0]
    assert np.load(GOLDEN / "in_time/.meta/train.npy")[6:8].tolist() == [[0, 4, 0], [0, 1, 0]]


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "in_time"])
def test_all_other_golden_data_sets_know_nothing_of_labels_in_time(name: str) -> None:
    data_set = open_data_set(GOLDEN / name)
    assert (data_set.positions, data_set.clip_numbers) == (None, None)
    assert data_set.read_sample(0).record.position is None


def test_a_later_golden_data_set_that_requires_more_is_refused(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "later", tmp_path / "copy")
    path = tmp_path / "copy/dataset.json"
    path.write_bytes(json.dumps({**json.loads(path.read_bytes()), "requires": ["depth"]}).encode())
    with pytest.raises(ShardError, match="requires 'depth', which this lrcn doesn't understand"):
        open_data_set(tmp_path / "copy")
