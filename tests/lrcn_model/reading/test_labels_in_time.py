"""Batches of clips whose frames have classes of their own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from lrcn_model.caching.decoded_clips import DecodedClips
from lrcn_model.reading.clip_batch import ClipBatch, collate
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.webdataset_reader import WebdatasetReader

MakeDataSet = Callable[..., Path]

GOLDEN = Path(__file__).parents[2] / "golden" / "in_time"


@pytest.fixture(params=[False, True], ids=["one length", "several lengths"])
def data(make_data_set: MakeDataSet, request: pytest.FixtureRequest) -> ShardDataset:
    return ShardDataset(
        str(make_data_set(samples={"train": [5, 4]}, labels_in_time=True, **kind(request)))
    )


def kind(request: pytest.FixtureRequest) -> dict[str, bool]:
    return {"variable_length": request.param}


def check(batch: ClipBatch, data: ShardDataset) -> None:
    """What a batch says of labels in time is what the samples' records say."""
    assert batch.positions is not None
    assert batch.frame_times is not None
    assert (batch.positions.dtype, batch.frame_times.dtype) == (torch.int64, torch.float64)
    assert batch.frame_times.shape == batch.frame_labels.shape
    for place, number in enumerate(batch.indices.tolist()):
        record = data.data_set.read_sample(number).record
        count = len(record.labels)
        assert batch.labels[place] == record.label
        assert batch.frame_labels[place, :count].tolist() == record.labels
        assert batch.positions[place] == record.position
        assert batch.frame_times[place, :count].tolist() == record.frame_times
        assert (batch.frame_labels[place, count:] == -1).all()
        assert (batch.frame_times[place, count:] == 0).all()


def test_a_batch_has_each_frame_s_class_and_time(data: ShardDataset) -> None:
    batch = data.__getitems__([3, 0, 8])
    check(batch, data)
    check(pickle.loads(pickle.dumps(batch)), data)
    check(batch.to("cpu"), data)


def test_they_come_from_worker_processes(data: ShardDataset) -> None:
    loader = DataLoader(data, batch_size=4, num_workers=1, collate_fn=collate)
    batches = list(loader)
    assert sum(map(len, batches)) == 9
    for batch in batches:
        check(batch, data)


def test_webdataset_s_reader_gives_them_too(make_data_set: MakeDataSet) -> None:
    pytest.importorskip("webdataset")
    folder = str(make_data_set(labels_in_time=True))
    for batch in WebdatasetReader(folder, split="train", batch_size=3):
        check(batch, ShardDataset(folder, split="train"))


def test_the_golden_data_set_gives_the_same_batches_through_every_reader() -> None:
    pytest.importorskip("webdataset")
    data = ShardDataset(str(GOLDEN), split="train")
    batch = data.__getitems__([0, 1, 2])
    check(batch, data)
    assert batch.frame_labels.tolist() == [[-1, 0, 0, 2], [2, 2, -1, 0], [-1, -1, -1, -1]]
    assert batch.labels.tolist() == [0, 2, -1]
    assert batch.positions is not None
    assert batch.positions.tolist() == [0, 4, 0]
    reader = WebdatasetReader(str(GOLDEN), split="train", batch_size=3, shuffle=False)
    [other] = list(reader)
    check(other, data)
    assert other.keys == batch.keys


def test_decoded_clips_keep_them(data: ShardDataset) -> None:
    parts = [data.__getitems__([0, 1, 2, 3]), data.__getitems__([4, 5, 6, 7, 8])]
    parts = [pickle.loads(pickle.dumps(part)) for part in parts]
    check(DecodedClips(parts).__getitems__([8, 2, 5]), data)


def test_other_batches_have_none(make_data_set: MakeDataSet) -> None:
    batch = ShardDataset(str(make_data_set())).__getitems__([0, 1])
    assert (batch.positions, batch.frame_times) == (None, None)
    again = pickle.loads(pickle.dumps(batch))
    assert (again.positions, again.frame_times) == (None, None)
