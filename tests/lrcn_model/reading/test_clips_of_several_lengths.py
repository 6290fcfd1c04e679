"""Batches of clips that differ in their number of frames."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lrcn_model import ClipBatch, EpochSampler, Preprocess, ShardDataset, collate
from lrcn_model.reading.augmentation import Augmentation
from lrcn_model.reading.webdataset_reader import WebdatasetReader

NUMBERS = [5, 0, 3, 8, 5]


@pytest.fixture(params=[((32, 24),), ((32, 24), (40, 16))], ids=["one size", "two sizes"])
def folders(request: pytest.FixtureRequest, make_data_set: Callable[..., Path]) -> list[Path]:
    """A data set of clips of several lengths; and one of the same, each filled up."""
    values = {"samples": {"train": [7, 4]}, "sizes": request.param, "seq_len": 6}
    return [
        make_data_set("several", **values, variable_length=True),
        make_data_set("filled_up", **values),
    ]


def assert_equal(one: ClipBatch, other: ClipBatch) -> None:
    for name in ("pixels", "sizes", "labels", "frame_labels", "num_valid", "frame_counts"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert (one.keys, one.videos) == (other.keys, other.videos)


def test_a_batch_has_the_real_frames_of_clips_that_are_filled_up(folders: list[Path]) -> None:
    batch, filled_up = (ShardDataset(folder).__getitems__(NUMBERS) for folder in folders)
    lengths = filled_up.num_valid
    assert len(set(lengths.tolist())) > 2
    assert batch.lengths.tolist() == batch.num_valid.tolist() == lengths.tolist()
    assert batch.seq_len == max(lengths)
    assert torch.equal(batch.frame_labels, filled_up.frame_labels[:, : batch.seq_len])
    for frames, more, length in zip(
        batch.clip_frames(), filled_up.clip_frames(), lengths.tolist(), strict=True
    ):
        assert torch.equal(frames, more[:length])
    assert len(batch.pixels) == sum(frames.numel() for frames in batch.clip_frames())


def test_they_make_no_tensor_of_clips(folders: list[Path]) -> None:
    batch = ShardDataset(folders[0]).__getitems__(NUMBERS)
    with pytest.raises(ValueError, match=r"have \[.*\] frames; use clip_frames, or Preprocess"):
        _ = batch.frames
    assert len(ShardDataset(folders[0])[0].clip_frames()) == 1


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_and_pickling_change_nothing(folders: list[Path]) -> None:
    dataset = ShardDataset(folders[0])

    def epoch(workers: int) -> list[ClipBatch]:
        sampler = EpochSampler(dataset, batch_size=3, seed=5)
        return list(
            DataLoader(dataset, batch_sampler=sampler, num_workers=workers, collate_fn=collate)
        )

    for one, other in zip(epoch(0), epoch(1), strict=True):
        assert_equal(one, other)
        assert_equal(pickle.loads(pickle.dumps(one)), one)


def test_lengths_stay_on_the_host_where_a_net_needs_them(folders: list[Path]) -> None:
    batch = ShardDataset(folders[0]).__getitems__(NUMBERS)
    moved = batch.to("meta")
    assert moved.num_valid.device.type == "meta"
    assert moved.lengths.tolist() == batch.lengths.tolist()


def test_webdatasets_pipeline_gives_the_same(folders: list[Path]) -> None:
    dataset = ShardDataset(folders[0])
    batches = list(WebdatasetReader(folders[0], batch_size=4, shuffle=False))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    for batch in batches:
        assert_equal(batch, dataset.__getitems__(batch.indices.tolist()))


@pytest.mark.parametrize("varied", [False, True])
def test_the_net_sees_of_a_clip_what_it_sees_of_it_alone(folders: list[Path], varied: bool) -> None:
    dataset = ShardDataset(folders[0])
    batch = dataset.__getitems__(NUMBERS)
    changes = None
    if varied:
        augmentation = Augmentation(crop=0.3, flip=0.5, jitter=0.2)
        changes = augmentation.draw(batch.indices, seed=0, epoch=0)
    preprocess = Preprocess((20, 16), torch.rand(3, 16, 20) * 255)
    seen: Tensor = preprocess(batch, changes)
    assert seen.shape == (int(batch.lengths.sum()), 3, 16, 20)
    for place, frames in enumerate(seen.split(batch.lengths.tolist())):
        change = None if changes is None else changes[place : place + 1]
        assert torch.equal(frames, preprocess(dataset[NUMBERS[place]], change))
