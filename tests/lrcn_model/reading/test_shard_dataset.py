"""Batches from real shards: what is in them, and that nothing about workers changes it."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
import torch
from PIL import Image
from torch.utils.data import DataLoader

from lrcn_data.errors import ShardError
from lrcn_model import ClipBatch, EpochSampler, ShardDataset, collate

MakeDataSet = Callable[..., Path]
TWO_SIZES = ((32, 24), (40, 16))


def assert_equal(one: ClipBatch, other: ClipBatch) -> None:
    for name in ("pixels", "sizes", "labels", "frame_labels", "num_valid", "indices"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert (one.keys, one.videos) == (other.keys, other.videos)


def test_a_batch_holds_what_the_samples_hold(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset(make_data_set(sizes=TWO_SIZES))
    indices = [6, 0, 3]
    batch = dataset.__getitems__(indices)
    samples = [dataset.data_set.read_sample(i) for i in indices]
    assert batch.keys == tuple(sample.record.key for sample in samples)
    assert batch.videos == tuple(sample.record.video for sample in samples)
    assert batch.indices.tolist() == indices
    assert batch.labels.tolist() == [sample.label for sample in samples]
    assert batch.num_valid.tolist() == [sample.record.num_valid for sample in samples]
    assert batch.frame_labels.tolist() == [sample.record.labels for sample in samples]
    assert batch.sizes.tolist() == [[s.record.height, s.record.width] for s in samples]
    for frames, sample in zip(batch.clip_frames(), samples, strict=True):
        decoded = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in sample.frames]
        assert np.abs(frames.numpy().astype(int) - np.stack(decoded)).max() <= 4


def test_frames_of_one_size_are_a_view(make_data_set: MakeDataSet) -> None:
    batch = ShardDataset(make_data_set()).__getitems__([0, 1])
    assert batch.frames.shape == (2, 4, 24, 32, 3)
    assert batch.frames.data_ptr() == batch.pixels.data_ptr()
    assert torch.equal(batch.frames[1], batch.clip_frames()[1])


def test_frames_of_different_sizes_are_refused_as_one_tensor(make_data_set: MakeDataSet) -> None:
    batch = ShardDataset(make_data_set(sizes=TWO_SIZES)).__getitems__([0, 1])
    assert not batch.same_size
    with pytest.raises(ValueError, match="different sizes"):
        _ = batch.frames


def test_indexing_gives_a_batch_of_one(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset(make_data_set())
    assert len(dataset[2]) == 1
    assert_equal(dataset[2], dataset.__getitems__([2]))
    assert dataset[-1].indices.tolist() == [6]
    with pytest.raises(IndexError, match="clip 7 of 7"):
        dataset[7]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_change_nothing(make_data_set: MakeDataSet, workers: int) -> None:
    dataset = ShardDataset(make_data_set(samples={"train": [5, 4, 4]}, sizes=TWO_SIZES))

    def epoch(count: int) -> list[ClipBatch]:
        sampler = EpochSampler(dataset, batch_size=3, seed=5)
        return list(
            DataLoader(dataset, batch_sampler=sampler, num_workers=count, collate_fn=collate)
        )

    alone, shared = epoch(0), epoch(workers)
    assert len(alone) == len(shared) == 5
    for one, other in zip(alone, shared, strict=True):
        assert_equal(one, other)


@pytest.mark.slow
def test_spawned_workers_change_nothing(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset(make_data_set())
    loader = DataLoader(
        dataset, batch_size=3, num_workers=1, collate_fn=collate, multiprocessing_context="spawn"
    )
    for number, batch in enumerate(loader):
        expected = range(3 * number, min(3 * number + 3, 7))
        assert_equal(batch, dataset.__getitems__(list(expected)))


def test_a_batch_survives_pickling(make_data_set: MakeDataSet) -> None:
    batch = ShardDataset(make_data_set()).__getitems__([4, 2])
    assert_equal(pickle.loads(pickle.dumps(batch)), batch)


def test_a_batch_moves_to_a_device(make_data_set: MakeDataSet) -> None:
    batch = ShardDataset(make_data_set()).__getitems__([0, 1])
    moved = batch.to("meta")
    assert moved.pixels.device.type == moved.labels.device.type == "meta"
    assert moved.frames.shape == batch.frames.shape


def test_facts_are_those_of_the_data_set(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset([make_data_set()], split="train")
    assert len(dataset) == 5
    assert dataset.classes == ["class 0", "class 1", "class 2"]
    assert (dataset.seq_len, str(dataset.fps)) == (4, "5")
    assert (dataset.skipped, dataset.failed) == (1, 0)
    assert dataset.shard_samples == [3, 2]
    assert dataset.labels.tolist() == [dataset[i].labels.item() for i in range(5)]


def test_the_mean_image_is_the_mean_of_the_frames(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset(make_data_set(samples={"train": [3, 2]}))
    frames = dataset.__getitems__(range(5)).frames.flatten(0, 1).permute(0, 3, 1, 2).float()
    mean = dataset.mean_image((32, 24))
    assert mean.shape == (3, 24, 32)
    assert (mean - frames.mean(0)).abs().mean() < 4
    small = torch.nn.functional.interpolate(frames, (9, 11), mode="bilinear", antialias=True)
    assert (dataset.mean_image((11, 9)) - small.mean(0)).abs().mean() < 2


def test_mean_images_of_several_canvases_are_weighted(make_data_set: MakeDataSet) -> None:
    one = make_data_set("one", samples={"train": [2]})
    other = make_data_set("other", samples={"train": [4]}, sizes=((48, 40),), seed=1)
    size = (32, 24)
    expected = (ShardDataset(one).mean_image(size) + 2 * ShardDataset(other).mean_image(size)) / 3
    assert torch.allclose(ShardDataset([one, other]).mean_image(size), expected, atol=1e-4)


def test_a_data_set_without_frames_has_no_mean(make_data_set: MakeDataSet) -> None:
    dataset = ShardDataset(make_data_set(samples={"train": [0]}))
    assert len(dataset) == 0
    with pytest.raises(ShardError, match="no frames"):
        dataset.mean_image((8, 8))


@pytest.mark.parametrize(
    ("jpeg", "words"),
    [
        (b"\xff\xd8\xff\xe0 not really", "can't be decoded"),
        (simplejpeg.encode_jpeg(np.zeros((24, 24, 3), np.uint8)), "24x24 pixels where"),
        (simplejpeg.encode_jpeg(np.zeros((48, 64, 3), np.uint8)), "can't be decoded"),
    ],
)
def test_a_frame_that_is_no_jpeg_of_its_size_is_refused(
    make_data_set: MakeDataSet, jpeg: bytes, words: str
) -> None:
    def with_a_bad_frame(jpegs: list[bytes]) -> list[bytes]:
        return [jpegs[0], jpeg, *jpegs[2:]]

    dataset = ShardDataset(make_data_set(change_jpegs=with_a_bad_frame))
    with pytest.raises(ShardError, match=f"train-000.tar: sample .*: frame 1 .*{words}"):
        dataset[0]


@pytest.mark.usefixtures("workers_ended")
def test_damage_found_in_a_worker_is_one_line(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    tar = folder / "train-000.tar"
    damaged = bytearray(tar.read_bytes())
    damaged[600] ^= 1
    tar.write_bytes(damaged)
    loader = DataLoader(ShardDataset(folder), num_workers=1, batch_size=2, collate_fn=collate)
    with pytest.raises(ShardError) as error:
        list(loader)
    assert str(error.value).startswith(f"{tar}: sample 0 at byte 0 is not what was written")
    assert "\n" not in str(error.value)
