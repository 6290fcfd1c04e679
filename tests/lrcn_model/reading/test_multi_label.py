"""Batches of clips with sets of classes are the same however they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lrcn_data.errors import UsageError
from lrcn_model import ClipBatch, EpochSampler, ShardDataset, WebdatasetReader, collate

MakeDataSet = Callable[..., Path]


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    return make_data_set(classes=70, multi_label=True)


def rows(batches: Iterable[ClipBatch]) -> dict[int, list[int]]:
    found = {}
    for batch in batches:
        assert batch.labels.dtype == torch.uint8
        assert (batch.frame_labels == -1).all()
        for number, row in zip(batch.indices.tolist(), batch.labels, strict=True):
            found[number] = row.tolist()
    return found


def test_a_batch_has_a_row_with_a_1_at_each_class_of_a_clip(folder: Path) -> None:
    dataset = ShardDataset(folder)
    batch = dataset.__getitems__(list(range(7)))
    for number, row in enumerate(batch.labels):
        classes = dataset.data_set.read_sample(number).record.classes
        assert np.flatnonzero(row).tolist() == classes
    assert np.array_equal(dataset.labels, batch.labels.numpy())
    assert torch.equal(batch.to("cpu").labels, batch.labels)


def test_workers_send_them_as_they_are(folder: Path) -> None:
    dataset = ShardDataset(folder)
    sampler = EpochSampler(dataset, batch_size=3, shuffle=False)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=collate, num_workers=1)
    assert rows(loader) == rows(dataset.__getitems__([n]) for n in range(7))


def test_webdataset_s_pipeline_gives_the_same(folder: Path) -> None:
    pytest.importorskip("webdataset")
    dataset = ShardDataset(folder)
    reader = DataLoader(WebdatasetReader(str(folder), batch_size=2), batch_size=None)
    assert rows(reader) == rows(dataset.__getitems__([n]) for n in range(7))


def test_balancing_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="--balanced takes every class equally often"):
        EpochSampler(ShardDataset(folder), balanced=True)
