"""--cache: the same losses to the last bit, for less work."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_reader import DataSet
from lrcn_model import train
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.reports import CacheReport
from lrcn_model.training.stop_signals import Stopped, StopSignals
from lrcn_model.training.train import SilentObserver

SMALL: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "head": {"name": "lstm", "hidden": 6},
    "epochs": 3,
    "batch_size": 4,
    "lr": 1e-2,
    "log_every": 1,
    "device": "cpu",
}
FROZEN = {"pretrained": "before", "freeze": ["cnn"]}
"""What makes a training one of a head on a CNN that was trained before."""


@pytest.fixture(name="data")
def data_of_one_length(make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    return begun(make_data_set, monkeypatch)


def begun(
    make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, **values: Any
) -> Path:
    """A data set, and the run `before` that was trained on it."""
    folder = make_data_set(
        samples={"train": [7, 6], "val": [5]},
        sizes=((40, 32), (32, 48)),
        **{"seq_len": 3, **values},
    )
    monkeypatch.chdir(folder.parent)
    train(folder, out="before", **{**SMALL, "epochs": 1})
    return folder


def figures(run: str) -> list[dict[str, Any]]:
    """All lines of a run's metrics.jsonl, without its times."""
    lines = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    times = ("clips_per_s", "seconds")
    return [{name: line[name] for name in line if name not in times} for line in lines]


def trained(folder: Path, run: str, **values: Any) -> list[dict[str, Any]]:
    train(folder, val_shards=folder, out=run, **{**SMALL, **values})
    return figures(run)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"head": {"name": "gru", "hidden": 5}, "dropout": 0.3, "amp": "bf16"},
        {"flip": 0.5, "crop": 0.3, "jitter": 0.2, "fixed_views": 2},
        {"ema": 0.9, "balanced": True},
        {"accumulate": 2, "shuffle_window": 1},
        {"frame_input": "differences"},
    ],
    ids=str,
)
def test_a_head_learns_the_same_from_cached_features(data: Path, values: dict[str, Any]) -> None:
    with_cache = trained(data, "with", **FROZEN, **values)
    assert len(list(Path("features").glob("*/*.safetensors"))) == (5 if "flip" in values else 3)
    assert with_cache == trained(data, "without", **FROZEN, **values, cache="off")
    assert len(with_cache) >= 9


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"head": {"name": "gru", "hidden": 5, "bidirectional": True}, "dropout": 0.3},
        {"head": "mean", "flip": 0.5, "crop": 0.3, "fixed_views": 2},
        {"frame_input": "differences"},
    ],
    ids=str,
)
def test_nets_learn_the_same_from_what_is_cached_of_clips_of_several_lengths(
    make_data_set: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
) -> None:
    data = begun(make_data_set, monkeypatch, seq_len=7, variable_length=True)
    with_cache = trained(data, "with", **FROZEN, **values)
    assert with_cache == trained(data, "without", **FROZEN, **values, cache="off")
    views = {name: value for name, value in values.items() if name != "fixed_views"}
    learning = trained(data, "learning", **views)
    assert trained(data, "host", **views, cache="host") == learning
    assert trained(data, "device", **views, cache="device") == learning


def test_features_of_frames_are_not_taken_for_those_of_differences(data: Path) -> None:
    frames = trained(data, "frames", **FROZEN)
    differences = trained(data, "differences", **FROZEN, frame_input="differences")
    assert differences != frames
    assert len(list(Path("features").iterdir())) == 2


def test_epochs_leave_the_cnn_alone(data: Path, seen: list[int]) -> None:
    trained(data, "run", **FROZEN)
    assert sum(seen) == 18 * 3
    seen.clear()
    trained(data, "another", **FROZEN, lr=0.1, head="gru", seed=5)
    assert seen == []
    trained(data, "without", **FROZEN, cache="off")
    assert sum(seen) == 3 * 18 * 3


def test_new_changes_in_every_epoch_need_the_cnn(data: Path, seen: list[int]) -> None:
    assert trained(data, "run", **FROZEN, flip=0.5)
    assert sum(seen) == 3 * 18 * 3
    assert not Path("features").exists()


def test_the_first_view_is_the_clip_itself(data: Path) -> None:
    plain = trained(data, "plain", **FROZEN)
    varied = {"flip": 1.0, "crop": 0.5}
    assert trained(data, "one", **FROZEN, **varied, fixed_views=1) == plain
    assert trained(data, "two", **FROZEN, **varied, fixed_views=2) != plain


def test_views_are_those_of_other_seeds_and_shards(data: Path, seen: list[int]) -> None:
    varied = {"flip": 0.5, "crop": 0.5, "fixed_views": 2}
    trained(data, "one", **FROZEN, **varied)
    # those to validate with have one view
    assert sum(seen) == (2 * 13 + 5) * 3
    seen.clear()
    train(data / "train-001.tar", out="part", **SMALL, **FROZEN, **varied, seed=7)
    assert seen == []


@pytest.mark.parametrize("cache", ["host", "device"])
@pytest.mark.parametrize(
    "values", [{}, {"flip": 0.5, "jitter": 0.3}, {"crop": 0.4, "flip": 0.5}], ids=str
)
def test_a_net_learns_the_same_from_decoded_clips(
    data: Path, values: dict[str, Any], cache: str
) -> None:
    assert trained(data, "with", **values, cache=cache) == trained(data, "without", **values)


def test_decoded_clips_are_read_from_shards_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[int] = []
    read = DataSet._sample

    def counted(self: DataSet, number: int, data: bytes) -> Sample:
        numbers.append(number)
        return read(self, number, data)

    monkeypatch.setattr(DataSet, "_sample", counted)
    trained(data, "run", cache="host", workers=0)
    assert sorted(numbers) == sorted([*range(13), *range(5)])


class StoppingObserver(SilentObserver):
    """Asks for a stop after some clips are cached, as Ctrl-C does."""

    def __init__(self, stop: StopSignals) -> None:
        self._stop = stop

    def cache(self, report: CacheReport) -> None:
        self._stop.received = signal.SIGTERM


def test_a_training_that_is_stopped_while_it_caches_goes_on_from_there(
    data: Path, monkeypatch: pytest.MonkeyPatch, seen: list[int]
) -> None:
    from lrcn_model.training import train as module

    whole = trained(data, "whole", **FROZEN, cache="off")
    stop = StopSignals()
    monkeypatch.setattr(module, "StopSignals", lambda: stop)
    with pytest.raises(Stopped, match="while clips were cached; the same command goes on"):
        train(data, val_shards=data, out="run", observer=StoppingObserver(stop), **SMALL, **FROZEN)
    kept = len(list(Path("features").glob("*/*.safetensors")))
    seen.clear()
    monkeypatch.undo()
    monkeypatch.chdir(data.parent)
    assert kept == 0
    assert trained(data, "run", **FROZEN) == whole


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(UsageError, match="--fixed-views 3 are views of clips that are changed"):
        TrainOptions(fixed_views=3)
    with pytest.raises(UsageError, match="--cache host goes with --reader shards"):
        TrainOptions(cache="host", reader="webdataset")


@pytest.mark.slow
def test_a_training_that_is_killed_while_it_caches_loses_no_shard_that_is_done(
    make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, seen: list[int]
) -> None:
    shards = make_data_set(samples={"train": [16] * 60}, sizes=((160, 120),), seq_len=3)
    monkeypatch.chdir(shards.parent)
    train(shards, out="before", **{**SMALL, "epochs": 1})
    Path("config.toml").write_text(
        'cnn = "small"\nsize = "32x32"\npretrained = "before"\nfreeze = "cnn"\n'
    )
    command = [sys.executable, "-m", "lrcn_cli.train", "--config", "config.toml"]
    process = subprocess.Popen([*command, "--shards", shards, "--out", "killed"])
    while len(kept := list(Path("features").glob("*/*.safetensors"))) < 3:
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    done = [path.name for path in Path("features").glob("*/*.safetensors")]
    assert 3 <= len(kept) <= len(done) < 60
    seen.clear()
    train(shards, out="again", **SMALL, **FROZEN)
    assert sum(seen) == (60 - len(done)) * 16 * 3
    assert not list(Path("features").glob("*/*.partial"))
    train(shards, out="whole", **SMALL, **FROZEN, cache="off")
    assert figures("again") == figures("whole")
