"""Memory shared with workers is used again, and never while somebody still looks at it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lrcn_model import ClipBatch, ShardDataset, collate

MakeDataSet = Callable[..., Path]


class _Repeated(Dataset[ClipBatch]):
    """A small data set as if it were a long one; optionally with batches that are not sent."""

    def __init__(self, dataset: ShardDataset, length: int, *, throw_away: bool = False) -> None:
        self._dataset = dataset
        self._length = length
        self._throw_away = throw_away

    def __len__(self) -> int:
        return self._length

    def __getitems__(self, indices: list[int]) -> ClipBatch:
        if self._throw_away:
            for _ in range(3):
                self._dataset.__getitems__([0, 1])
        return self._dataset.__getitems__([i % len(self._dataset) for i in indices])


def loader(dataset: Dataset[ClipBatch], **options: object) -> DataLoader[ClipBatch]:
    return DataLoader(dataset, collate_fn=collate, batch_size=2, num_workers=1, **options)  # type: ignore[arg-type]


def mappings(batches: Iterator[ClipBatch]) -> set[int]:
    return {batch.pixels.data_ptr() for batch in batches}


def test_few_buffers_serve_many_batches(make_data_set: MakeDataSet) -> None:
    dataset = _Repeated(ShardDataset(make_data_set()), 80)
    assert len(mappings(iter(loader(dataset)))) <= 5


def test_batches_thrown_away_in_the_worker_free_their_buffers(make_data_set: MakeDataSet) -> None:
    dataset = _Repeated(ShardDataset(make_data_set()), 80, throw_away=True)
    assert len(mappings(iter(loader(dataset)))) <= 6


def test_batches_that_are_kept_keep_their_pixels(make_data_set: MakeDataSet) -> None:
    source = ShardDataset(make_data_set())
    kept: list[tuple[list[int], Tensor]] = []
    for number, batch in enumerate(loader(_Repeated(source, 60))):
        if number % 3 == 0:
            # a view is enough to keep the memory
            kept.append((batch.indices.tolist(), batch.clip_frames()[1][1:]))
    for indices, frames in kept:
        assert torch.equal(frames, source[indices[1]].frames[0, 1:])


def test_buffers_grow_with_the_frames(make_data_set: MakeDataSet) -> None:
    source = ShardDataset(make_data_set(sizes=((32, 24), (640, 480), (320, 240), (800, 600))))
    for batch in loader(_Repeated(source, 42)):
        for place, frames in enumerate(batch.clip_frames()):
            assert torch.equal(frames, source[int(batch.indices[place])].frames[0])


def test_a_fork_does_not_give_away_what_its_parent_holds(make_data_set: MakeDataSet) -> None:
    source = ShardDataset(make_data_set())
    batches = iter(loader(_Repeated(source, 60)))
    held = next(batches)
    child = os.fork()
    if child == 0:
        del held
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    for _ in range(20):
        next(batches)
    assert torch.equal(held.frames, source.__getitems__(held.indices.tolist()).frames)


@pytest.mark.slow
def test_workers_that_stay_and_workers_that_are_spawned_do_the_same(
    make_data_set: MakeDataSet,
) -> None:
    source = ShardDataset(make_data_set())
    for options in ({"persistent_workers": True}, {"multiprocessing_context": "spawn"}):
        batches = loader(source, **options)
        for _ in range(3):
            for batch in batches:
                expected = source.__getitems__(batch.indices.tolist())
                assert torch.equal(batch.pixels, expected.pixels)
