"""Data sets whose frames have classes of their own: what is read is what was written."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import ShardError
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.records import SampleRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import parse_sample, sample_bytes
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.inspecting.rebuild_index import rebuild_index
from lrcn_data.inspecting.verify import verify

MakeDataSet = Callable[..., Path]

LAYOUT = SampleLayout(seq_len=3, labels_in_time=True)
RECORD = SampleRecord(
    key="a",
    video="a.avi",
    label=1,
    class_name="sit",
    split="train",
    clip=2,
    fps=5.0,
    source_fps=25.0,
    width=32,
    height=24,
    frame_times=[0.0, 0.2, 0.4],
    num_valid=3,
    labels=[-1, 1, 1],
    segment=[0.0, 0.6],
    position=6,
)
JPEG = b"\xff\xd8\xff\xe0"


def written(record: bytes, label: bytes) -> bytes:
    return sample_bytes("a", LAYOUT.endings, [JPEG, JPEG, JPEG, label, record])


def changed(**values: Any) -> bytes:
    return json.dumps(json.loads(RECORD.to_json()) | values).encode()


def test_a_sample_says_where_it_lies_in_its_video() -> None:
    assert parse_sample(written(RECORD.to_json(), b"1"), LAYOUT).record == RECORD
    assert list(json.loads(RECORD.to_json()))[-1] == "position"
    assert "position" not in json.loads(replace(RECORD, position=None).to_json())


def test_a_sample_may_be_of_no_class() -> None:
    none = replace(RECORD, label=-1, class_name="", labels=[-1, -1, -1])
    assert parse_sample(written(none.to_json(), b"-1"), LAYOUT).label == -1


def test_a_sample_of_no_class_is_refused_where_labels_are_not_in_time() -> None:
    none = replace(RECORD, label=-1, class_name="", labels=[-1, -1, -1])
    with pytest.raises(ShardError, match="which is no class number"):
        parse_sample(written(none.to_json(), b"-1"), SampleLayout(seq_len=3))


@pytest.mark.parametrize("position", [None, -1, True, 1.0, "1", 1 << 70])
def test_positions_that_no_writer_writes_are_refused(position: Any) -> None:
    with pytest.raises(ShardError, match="where the position of its first frame belongs"):
        parse_sample(written(changed(position=position), b"1"), LAYOUT)


@given(st.lists(st.integers(-1, 3), max_size=12))
def test_a_clip_has_the_class_of_most_of_its_labelled_frames(labels: list[int]) -> None:
    best, most = -1, 0
    for label in labels:
        count = sum(other == label for other in labels)
        if label != -1 and count > most:
            best, most = label, count
    assert clip_label(labels) == best


@pytest.fixture(params=[False, True], ids=["split index", "own arrays"])
def folder(make_data_set: MakeDataSet, request: pytest.FixtureRequest) -> Path:
    samples = {"train": [5, 4], "test": [2]}
    return make_data_set(samples=samples, labels_in_time=True, own_arrays=request.param)


def test_the_index_has_what_the_samples_say(folder: Path) -> None:
    data_set = open_data_set(folder)
    records = [data_set.read_sample(number).record for number in range(len(data_set))]
    assert data_set.labels_in_time
    assert data_set.labels.tolist() == [record.label for record in records]
    assert data_set.positions is not None
    assert data_set.clip_numbers is not None
    assert data_set.positions.tolist() == [record.position for record in records]
    assert data_set.clip_numbers.tolist() == [record.clip for record in records]
    assert data_set.frame_labels is not None
    assert data_set.frame_labels.tolist() == [record.labels for record in records]
    labels = [record.label for record in records]
    assert data_set.class_counts().tolist() == [labels.count(number) for number in range(3)]
    again = pickle.loads(pickle.dumps(data_set))
    assert np.array_equal(again.positions, data_set.positions)


def test_verify_finds_no_fault(folder: Path) -> None:
    assert list(verify(folder)) == []


def test_an_index_is_made_anew_of_the_samples(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(labels_in_time=True)
    before = np.load(folder / ".meta/train.npy")
    (folder / ".meta/train.npy").unlink()
    assert ".meta/train.npy" in list(rebuild_index(folder))
    assert np.array_equal(np.load(folder / ".meta/train.npy"), before)


def test_an_index_of_other_positions_is_found_out(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(labels_in_time=True, own_arrays=True)
    path = folder / ".meta/train-000.npz"
    arrays = dict(np.load(path))
    arrays["position"] = arrays["position"] + 1
    np.savez(path, **arrays)
    assert [str(fault) for fault in verify(folder)] == [
        ".meta/train-000.npz: position does not fit the samples of train-000.tar"
    ]
    with pytest.raises(ShardError, match="has position 0, its index 1"):
        open_data_set(folder).read_sample(0)


def test_an_index_of_other_frames_is_found_out(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(labels_in_time=True, own_arrays=True)
    path = folder / ".meta/train-000.npz"
    arrays = dict(np.load(path))
    arrays["frame_labels"] = np.roll(arrays["frame_labels"], 1, axis=1)
    np.savez(path, **arrays)
    assert [str(fault) for fault in verify(folder)] == [
        ".meta/train-000.npz: frame_labels does not fit the samples of train-000.tar"
    ]
    with pytest.raises(ShardError, match="has frames of other classes than its index says"):
        open_data_set(folder).read_sample(0)


def test_data_sets_with_and_without_labels_in_time_are_not_used_together(
    make_data_set: MakeDataSet,
) -> None:
    one, other = make_data_set("one"), make_data_set("other", labels_in_time=True)
    with pytest.raises(ShardError, match="differ in labels \\(one a clip and one a frame\\)"):
        open_data_set([str(one), str(other)])


def test_a_data_set_of_another_kind_has_no_positions(make_data_set: MakeDataSet) -> None:
    data_set = open_data_set(make_data_set())
    assert data_set.positions is None
    assert data_set.clip_numbers is None
    assert data_set.frame_labels is None
    assert np.load(make_data_set("again") / ".meta/train.npy").shape[0] == 8
