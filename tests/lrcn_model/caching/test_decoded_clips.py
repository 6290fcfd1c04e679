"""Clips held in memory: the same batches as from the shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_data.size import Size
from lrcn_model.caching import decoded_clips
from lrcn_model.caching.decoded_clips import decode_all
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset

NUMBERS = [16, 0, 20, 3, 3]


@pytest.fixture(params=[False, True], ids=["one length", "several lengths"])
def data(request: pytest.FixtureRequest, make_data_set: Callable[..., Path]) -> ShardDataset:
    folder = make_data_set(
        samples={"train": [18, 3]}, sizes=((48, 32), (40, 24)), variable_length=request.param
    )
    return ShardDataset(folder)


def decoded(data: ShardDataset, size: Size | None) -> ClipBatch:
    clips = decode_all(data, size=size, device=None, workers=0, ranks=Ranks())
    assert clips is not None
    assert len(clips) == len(data)
    return clips.__getitems__(NUMBERS)


def test_at_their_stored_size_batches_are_those_of_the_shards(data: ShardDataset) -> None:
    batch, expected = decoded(data, None), data.__getitems__(NUMBERS)
    for field in fields(ClipBatch):
        found, wanted = getattr(batch, field.name), getattr(expected, field.name)
        if isinstance(wanted, Tensor):
            assert found.dtype == wanted.dtype
            assert torch.equal(found, wanted), field.name
        else:
            assert found == wanted, field.name


def test_at_the_nets_size_the_net_sees_the_same(data: ShardDataset) -> None:
    batch = decoded(data, (32, 20))
    assert batch.sizes.tolist() == [[20, 32]] * len(NUMBERS)
    preprocess = Preprocess((32, 20), torch.rand(3, 20, 32) * 255)
    assert torch.equal(preprocess(batch), preprocess(data.__getitems__(NUMBERS)))


def test_clips_that_do_not_fit_the_memory_are_refused(
    data: ShardDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_clips, "free_memory", lambda: 1_000_000)
    assert decode_all(data, size=(8, 8), device=None, workers=0, ranks=Ranks())
    with pytest.raises(
        UsageError, match=r"21 decoded clips take about 0.[01] GB, .*room for 0.0.*--cache off"
    ):
        decode_all(data, size=(640, 480), device=None, workers=0, ranks=Ranks())


def test_one_that_is_stopped_gives_nothing(data: ShardDataset) -> None:
    assert (
        decode_all(data, size=None, device=None, workers=0, ranks=Ranks(), go_on=lambda: False)
        is None
    )
