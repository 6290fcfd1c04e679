"""Clips of a store are read while those before them are trained on."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import fsspec
import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_data.storage.positioned_files import PositionedFiles
from lrcn_model.processor import Processor
from lrcn_model.reading.batch_loader import load_batches
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.reading.open_shards import shard_cache
from lrcn_model.reading.shard_dataset import ShardDataset
from tests.conftest import MakeDataSet


def test_the_next_batches_are_read_while_one_is_used(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, name = make_data_set(samples={"train": [6, 6]}), f"ahead-{secrets.token_hex(4)}"
    fsspec.filesystem("memory").put(str(local), f"/{name}", recursive=True)
    asked: list[tuple[int, int]] = []
    read = PositionedFiles.read_several

    def noted(self: PositionedFiles, location: str, ranges: list[tuple[int, int]]) -> list[bytes]:
        asked.extend(ranges)
        return read(self, location, ranges)

    monkeypatch.setattr(PositionedFiles, "read_several", noted)
    here, there = ShardDataset(str(local)), ShardDataset(f"memory://{name}")
    cpu = Processor(device=torch.device("cpu"), amp_type=None)
    batches = load_batches(there, EpochSampler(there, batch_size=2), 0, cpu)
    first = next(batches)
    deadline = time.monotonic() + 20
    while len(asked) < 6:  # its own two clips, and those of two more
        assert time.monotonic() < deadline
        time.sleep(0.01)
    found = [first, *batches]
    wanted = list(load_batches(here, EpochSampler(here, batch_size=2), 0, cpu))
    assert [batch.keys for batch in found] == [batch.keys for batch in wanted]
    assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(found, wanted, strict=True))
    assert len(asked) == 12  # each clip once
    fsspec.filesystem("memory").rm(name, recursive=True)


def test_the_size_of_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--cache-size 5 is that of --cache-dir"):
        shard_cache(None, 5)
    assert shard_cache(None, None) is None
    cache = shard_cache(tmp_path / "cache", 5)
    assert cache is not None
    assert cache.most_bytes == 5
