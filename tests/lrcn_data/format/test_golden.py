"""The committed data set of format version 1, which every later version must read."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import simplejpeg

from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.verify import verify

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_golden_data_set_has_no_faults() -> None:
    assert list(verify(str(GOLDEN / "v1"), deep=True)) == []


def test_the_golden_data_set_gives_what_was_put_in(make: ModuleType) -> None:
    data_set = open_data_set(GOLDEN / "v1")
    assert data_set.classes == ["Archery", "Basket ball", "Überschlag"]
    assert (data_set.seq_len, str(data_set.fps)) == (4, "25/2")
    assert (data_set.skipped, data_set.failed) == (1, 0)
    assert data_set.labels.tolist() == [0, 2, 1, 1]
    assert data_set.num_valid.tolist() == [4, 4, 3, 4]
    clips = [("train", 0), ("train", 1), ("train", 2), ("test", 0)]
    for number, (split, clip) in enumerate(clips):
        sample = data_set.read_sample(number)
        assert sample.record == make.record(split, clip)
        for place, jpeg in enumerate(sample.frames):
            expected = make.frame(split, clip, place).astype(int)
            assert np.abs(simplejpeg.decode_jpeg(jpeg) - expected).max() <= 4


def test_the_golden_pixel_sums_are_exact(make: ModuleType) -> None:
    data_set = open_data_set(GOLDEN / "v1", split="train")
    frames = [make.frame("train", clip, number) for clip in range(3) for number in range(4)]
    pixel_sum, frame_count = data_set.pixel_sums()[(32, 24)]
    assert frame_count == 12
    assert np.array_equal(pixel_sum, np.sum(frames, axis=0, dtype=np.int64))


def test_the_golden_script_writes_the_same_samples_today(make: ModuleType, tmp_path: Path) -> None:
    make.main(tmp_path / "today")
    today, golden = open_data_set(tmp_path / "today"), open_data_set(GOLDEN / "v1")
    for number in range(4):
        assert today.read_sample(number).record == golden.read_sample(number).record


def test_the_golden_index_can_be_rebuilt(tmp_path: Path) -> None:
    from lrcn_data.inspecting.rebuild_index import rebuild_index

    shutil.copytree(GOLDEN / "v1", tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy/.meta")
    list(rebuild_index(str(tmp_path / "copy")))
    for name in ("train-000.idx", "test-000.idx"):
        rebuilt = (tmp_path / "copy/.meta" / name).read_bytes()
        assert rebuilt == (GOLDEN / "v1/.meta" / name).read_bytes()
