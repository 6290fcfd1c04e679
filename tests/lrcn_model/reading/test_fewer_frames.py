"""Fewer frames of each clip than are stored: which ones, and all that reads them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_model import ShardDataset, evaluate, load_run, train
from lrcn_model.reading.fewer_frames import even_places

MakeDataSet = Callable[..., Path]

SHARDS: dict[str, Any] = {"samples": {"train": [6, 5], "test": [4]}, "seq_len": 8}
VALUES: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "device": "cpu",
    "workers": 0,
    "batch_size": 4,
    "epochs": 1,
    "lr": 1e-2,
    "log_every": 1,
}


@given(st.integers(1, 200), st.data())
def test_frames_are_taken_as_evenly_as_there_can_be(stored: int, data: st.DataObject) -> None:
    taken = data.draw(st.integers(1, stored))
    places = even_places(stored, taken)
    assert (len(places), places[0], places[-1] < stored) == (taken, 0, True)
    steps = set(np.diff([*places, stored]).tolist())
    assert steps <= {stored // taken, -(-stored // taken)}


def test_of_eight_frames_every_second_one_is_taken(make_data_set: MakeDataSet) -> None:
    whole = ShardDataset(make_data_set(**SHARDS))
    fewer = whole.with_seq_len(4)
    assert (fewer.seq_len, len(fewer), whole.seq_len) == (4, len(whole), 8)
    for dataset in (fewer, pickle.loads(pickle.dumps(fewer))):
        batch, before = dataset.__getitems__([3, 0, 9]), whole.__getitems__([3, 0, 9])
        assert torch.equal(batch.frames, before.frames[:, ::2])
        assert torch.equal(batch.frame_labels, before.frame_labels[:, ::2])
        assert torch.equal(batch.labels, before.labels)
        assert torch.equal(batch.num_valid, -(-before.num_valid // 2))
        assert dataset.lengths[[3, 0, 9]].tolist() == batch.num_valid.tolist()
    assert whole.with_seq_len(8) is whole


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({}, "has clips of 8 frames, and --seq-len 9 can't be taken"),
        ({"labels_in_time": True}, "labels in time.*give --window 9"),
        ({"variable_length": True, "seq_len": 12}, "clips of several lengths"),
        ({"recipe": {"sampling": "windows"}, "seq_len": 12}, "made with --sampling windows"),
    ],
)
def test_frames_that_cannot_be_taken_evenly_are_refused(
    make_data_set: MakeDataSet, made: dict[str, Any], said: str
) -> None:
    folder = make_data_set(
        **{**SHARDS, **({"seq_len": 12} if "labels_in_time" in made else {}), **made}
    )
    with pytest.raises(UsageError, match=said):
        ShardDataset(folder).with_seq_len(9)


def test_a_training_on_fewer_frames_is_evaluated_on_them(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch, seen: list[int]
) -> None:
    folder = make_data_set(**SHARDS)
    monkeypatch.chdir(folder.parent)
    train(folder, out="run", seq_len=4, **VALUES)
    assert set(seen) == {4 * 4, 3 * 4}
    facts = load_run("run").facts
    assert (facts.seq_len, facts.stored_seq_len) == (4, 8)
    seen.clear()
    found = evaluate("run", folder, workers=0, keep=False)
    test = ShardDataset(folder, split="test").with_seq_len(4)
    assert sum(seen) == 4 * len(test)
    assert found.result.frames == test.lengths.sum()


def test_what_is_cached_of_fewer_frames_is_not_taken_for_that_of_all(
    make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_data_set(**SHARDS)
    monkeypatch.chdir(folder.parent)
    train(folder, out="first", **VALUES)
    frozen = {"init": "first", "freeze": ("cnn",), **VALUES}
    train(folder, out="runs/all", **frozen)
    for cache in ("auto", "host", "off"):
        train(folder, out=f"runs/{cache}", cache=cache, seq_len=4, **frozen)
    assert len(list(Path("runs/features").iterdir())) == 2
    assert _losses("runs/auto") == _losses("runs/host") == _losses("runs/off")
    assert _losses("runs/auto") != _losses("runs/all")


def _losses(run: str | Path) -> list[float]:
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "step"]
