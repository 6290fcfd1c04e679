"""Trainings on clips that differ in their number of frames, and what becomes of their nets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_model import ShardDataset, evaluate, load_run, train
from lrcn_model.training.dry_run import dry_run
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_choice import RunChoice

VALUES: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "head": {"name": "gru", "hidden": 5, "bidirectional": True},
    "batch_size": 3,
    "epochs": 3,
    "lr": 1e-2,
    "log_every": 1,
    "device": "cpu",
}
SHARDS: dict[str, Any] = {
    "samples": {"train": [6, 5], "val": [5], "test": [7, 4]},
    "sizes": ((32, 32), (40, 36)),
    "seq_len": 6,
}


@pytest.fixture
def several(make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of clips of several lengths; its folder's parent is the current one."""
    folder = make_data_set("several", **SHARDS, variable_length=True)
    monkeypatch.chdir(folder.parent)
    return folder


def figures(run: str) -> list[dict[str, Any]]:
    """All lines of a run's metrics.jsonl, without its times."""
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if k not in ("clips_per_s", "seconds")} for line in lines
    ]


@pytest.mark.parametrize("frame_input", ["frames", "both"])
def test_a_net_scores_clips_at_their_own_length_as_it_scores_them_filled_up(
    several: Path, make_data_set: Callable[..., Path], frame_input: str
) -> None:
    filled_up = make_data_set("filled_up", **SHARDS)
    train(several, val_shards=several, out="run", frame_input=frame_input, **VALUES)
    for average in ("log-probs", "probs", "last"):
        [one, other] = [
            evaluate("run", folder, average=average, batch_size=4, workers=0)
            for folder in (several, filled_up)
        ]
        assert (one.result.frames, one.result.clips) == (other.result.frames, other.result.clips)
        assert one.result.frame_loss == pytest.approx(other.result.frame_loss, rel=1e-5)
        for video, same in zip(one.videos, other.videos, strict=True):
            assert (video.video, video.frames) == (same.video, same.frames)
            assert video.scores == pytest.approx(same.scores, rel=1e-4, abs=1e-6)


def test_any_size_of_a_batch_gives_the_same_scores(several: Path) -> None:
    train(several, out="run", **{**VALUES, "epochs": 1})
    [one, all_at_once] = [evaluate("run", several, batch_size=size, workers=0) for size in (1, 99)]
    for video, same in zip(one.videos, all_at_once.videos, strict=True):
        assert video.scores == pytest.approx(same.scores, rel=1e-4, abs=1e-6)


def test_a_training_that_goes_on_is_one_that_never_stopped(several: Path) -> None:
    train(several, val_shards=several, out="whole", **VALUES)
    train(several, val_shards=several, out="run", **{**VALUES, "epochs": 1})
    train(resume="run", epochs=3)
    assert figures("run") == figures("whole")


@pytest.mark.parametrize("values", [{"reader": "webdataset"}, {"balanced": True}], ids=str)
def test_readers_and_orders_take_them_as_others(several: Path, values: dict[str, Any]) -> None:
    train(several, val_shards=several, out="run", **VALUES, **values)
    epochs = [line for line in figures("run") if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    facts = load_run("run", device="cpu").facts
    assert (facts.seq_len, facts.recipe["short"]) == (6, "whole")


def test_a_dry_run_takes_the_longest_clips(several: Path, seen: list[int]) -> None:
    dry_run(TrainOptions().with_values({**VALUES, "shards": (str(several),)}), RunChoice())
    lengths = sorted(ShardDataset(several, split="train").data_set.num_valid.tolist())
    assert seen[-1] == sum(lengths[-3:])


def test_shards_of_another_bound_are_refused_with_the_one_wanted(
    several: Path, make_data_set: Callable[..., Path]
) -> None:
    train(several, out="run", **{**VALUES, "epochs": 1})
    other = make_data_set("other", **{**SHARDS, "seq_len": 5}, variable_length=True)
    with pytest.raises(UsageError, match=r"clips of 5 frames, .* has 6; .*--seq-len max:6"):
        evaluate("run", other)
