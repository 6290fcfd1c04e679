"""lrcn-search, called as its process would be, and killed in processes of its own."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lrcn_model import search
from lrcn_model.processor import out_of_memory_remedy
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run import run_training
from tests.commands import call

CONFIG = """
size = "16x16"
head = "none"
dropout = 0.0
epochs = 5
batch_size = 4
lr_schedule = "none"
device = "cpu"
checkpoint_every = 2

[cnn]
name = "layers"
layers = [{fc = 16}]

[search]
lr = [1e-9, 1e-8, 1e-2]
flip = [0.0, 0.01]
"""
"""Only one learning rate learns anything."""


@pytest.fixture
def data(make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with clips that are learnt by heart, and validated with, and what is searched."""
    path = make_data_set(samples={"train": [12]}, sizes=((32, 32),), seq_len=2, classes=3).parent
    (path / "search.toml").write_text(CONFIG)
    monkeypatch.chdir(path)
    return path


SHARDS = ("--shards", "shards", "--val-shards", "shards/train-000.tar")


def quickly(path: Path) -> None:
    text = path.read_text().replace("epochs = 5", "epochs = 1")
    path.write_text(text)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def what_was_found(folder: Path) -> list[dict[str, str]]:
    """All rows of the table without what depends on the machine."""
    return [{name: one for name, one in row.items() if name != "seconds"} for row in rows(folder)]


def test_a_search_leaves_a_table_a_picture_and_a_config_that_trains(data: Path) -> None:
    quickly(data / "search.toml")
    options = ("--trials", "3", "--finalists", "1", "--repeat", "2")
    done = call("search", "search.toml", *SHARDS, *options, folder=data)
    out = data / "runs/search-search"
    assert "trial 2 (3 of 3): val " in done.stderr
    assert "finalists with 2 other seeds" in done.stdout
    assert f"next: lrcn-train --config {out}/best.toml" in done.stdout
    assert sorted(row["trial"] for row in rows(out)) == ["0", "1", "2"]
    figures = [float(row["figure"]) for row in rows(out)]
    assert figures == sorted(figures, reverse=True)
    assert (out / "search.png").read_bytes().startswith(b"\x89PNG")
    best = (out / "best.toml").read_text()
    assert "with 2 other seeds" in best
    plan = json.loads(
        call("train", "--config", out / "best.toml", "--dry-run", "--json", folder=data).stdout
    )
    [finalist] = {row["trial"] for row in rows(out)} & {
        path.name.split("-")[1].lstrip("0") or "0" for path in out.glob("runs/*-repeat-1")
    }
    [row] = [row for row in rows(out) if row["trial"] == finalist]
    assert plan["values"]["lr"] == float(row["lr"])
    # a finalist's runs can be scored, a trial's have figures alone
    repeats = sorted(path.parent.name for path in out.glob("runs/*/weights.safetensors"))
    assert repeats == [f"trial-{int(finalist):04d}-repeat-{n}" for n in (1, 2)]
    assert not list(out.glob("runs/*/checkpoints"))

    again = call("search", "search.toml", *SHARDS, *options, "--json", folder=data)
    found = json.loads(again.stdout)
    assert "trial 2" not in again.stderr
    assert found["best"]["config"] == str(out / "best.toml")
    assert len(found["finalists"][0]["figures"]) == 2


def test_the_best_of_a_search_is_what_lrcn_train_makes_of_its_file(data: Path) -> None:
    result = search(
        "search.toml",
        trials=2,
        shards="shards",
        val_shards="shards/train-000.tar",
        finalists=0,
        out="out",
    )
    done = call("train", "--config", "out/best.toml", "--json", folder=data)
    trained = json.loads(done.stdout)["kept"]
    outcome = result.best.outcome
    assert (trained["epoch"], trained["val_accuracy"]) == (outcome.epoch, outcome.figure)


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"lr = [": "lrr = ["}, SHARDS, "[search] lrr: there is no such value; did you mean 'lr'"),
        ({"flip = [": "head.hidden = ["}, SHARDS, "none has no value 'hidden'"),
        ({'"none"': '"gru"', "flip = [": 'head.input = ["pixels", '}, SHARDS, "input"),
        ({"dropout": 'pretrained = "nowhere.pt"\ndropout'}, SHARDS, "nowhere.pt"),
        ({"flip = [": 'init = ["runs/gone"]\nflip = ['}, SHARDS, "with init = runs/gone: "),
        ({}, (*SHARDS, "--out", "s3://bucket/search"), "writes into a folder on this machine"),
        ({}, SHARDS[:2], "a search maximizes a figure on shards that it doesn't train on"),
        ({}, ("--shards", "nowhere", *SHARDS[2:]), "nowhere"),
    ],
)
def test_a_search_that_cannot_be_meant_leaves_nothing_behind(
    data: Path, changes: Mapping[str, str], options: tuple[str, ...], said: str
) -> None:
    text = CONFIG
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (data / "search.toml").write_text(text)
    done = call("search", "search.toml", "--trials", "2", *options, folder=data, code=None)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert not (data / "runs").exists()


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"[1e-9, 1e-8,": "[1e-9,"}, SHARDS, "has a search with"),
        ({"batch_size = 4": "batch_size = 3"}, SHARDS, "has a search with batch_size 4, not 3"),
        ({}, (*SHARDS, "--seed", "1"), "has a search with seed 0, not 1"),
        ({}, (*SHARDS, "--sampler", "tpe"), "has a search with sampler random, not tpe"),
        ({}, ("--shards", "others", *SHARDS[2:]), "has a search with other shards"),
    ],
)
def test_another_search_in_the_same_folder_is_refused(
    data: Path,
    make_data_set: Callable[..., Path],
    changes: Mapping[str, str],
    options: tuple[str, ...],
    said: str,
) -> None:
    quickly(data / "search.toml")
    make_data_set("others", samples={"train": [9]}, sizes=((32, 32),), seq_len=2, classes=3, seed=1)
    always = ("--trials", "1", "--finalists", "0")
    call("search", "search.toml", *always, *SHARDS, folder=data)
    text = (data / "search.toml").read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (data / "search.toml").write_text(text)
    done = call("search", "search.toml", *always, *options, folder=data, code=2)
    assert said in done.stderr


def test_trials_that_diverge_are_told_and_counted(data: Path) -> None:
    text = CONFIG.replace("[1e-9, 1e-8, 1e-2]", "[1e-2, 1e30]")
    (data / "search.toml").write_text(text)
    quickly(data / "search.toml")
    done = call(
        "search",
        *("search.toml", *SHARDS, "--trials", "6", "--finalists", "0", "--json"),
        folder=data,
    )
    trials = json.loads(done.stdout)["trials"]
    states = {trial["values"]["lr"]: trial["state"] for trial in trials}
    assert len(trials) == 6
    assert states == {1e-2: "finished", 1e30: "diverged"}


def test_a_trial_without_enough_memory_has_failed_and_the_next_one_begins(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(options: TrainOptions, *others: Any) -> Any:
        with out_of_memory_remedy(options.batch_size):
            if options.batch_size == 8:
                raise MemoryError
            return run_training(options, *others)

    monkeypatch.setattr("lrcn_model.searching.trial.run_training", run_out)
    text = CONFIG.replace("batch_size = 4\n", "").replace(
        "flip = [0.0, 0.01]", "batch_size = [4, 8]"
    )
    (data / "search.toml").write_text(text)
    quickly(data / "search.toml")
    options = ("--trials", "5", "--finalists", "0", "--json")
    trials = json.loads(call("search", "search.toml", *SHARDS, *options, folder=data).stdout)[
        "trials"
    ]
    assert {one["values"]["batch_size"]: one["state"] for one in trials} == {
        4: "finished",
        8: "failed",
    }
    [reason] = {one["reason"] for one in trials if one["state"] == "failed"}
    assert "out of memory with --batch-size 8" in reason


def test_finalists_are_trials_with_different_values(data: Path) -> None:
    (data / "search.toml").write_text(CONFIG.replace("flip = [0.0, 0.01]\n", ""))
    quickly(data / "search.toml")
    options = ("--trials", "7", "--finalists", "3", "--repeat", "1", "--json")
    found = json.loads(call("search", "search.toml", *SHARDS, *options, folder=data).stdout)
    assert len({one["values"]["lr"] for one in found["trials"]}) == 3
    assert len({one["values"]["lr"] for one in found["finalists"]}) == 3


def test_a_folder_that_no_run_can_be_made_in_stops_a_search_and_loses_no_trial(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: RunFolder) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    quickly(data / "search.toml")
    options = ("search.toml", *SHARDS, "--trials", "2", "--finalists", "0")
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "make", refuse)
        done = call("search", *options, folder=data, code=2)
    assert "can't be made or written to (Permission denied)" in done.stderr
    call("search", *options, folder=data)
    assert states(data / "runs/search-search") == ["COMPLETE"] * 2


def test_a_study_that_another_program_has_open_is_named_in_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly(data / "search.toml")
    options = ("search.toml", *SHARDS, "--finalists", "0")
    # in a URL these would mean something
    call("search", *options, "--trials", "1", "--out", "a?b%20{c}", folder=data)
    monkeypatch.setattr("lrcn_model.searching.study._PATIENCE", 0.1)
    with closing(sqlite3.connect(data / "a?b%20{c}/study.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = call("search", *options, "--trials", "2", "--out", "a?b%20{c}", folder=data, code=1)
    assert "study.db can't be read or written" in done.stderr
    assert "is locked); see whether" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_with_a_search_is_not_trained_as_if_it_had_none(data: Path) -> None:
    done = call("train", "--config", "search.toml", "--shards", "shards", folder=data, code=2)
    assert "search with `lrcn-search search.toml`" in done.stderr


def words(out: str, trials: int, *options: str) -> list[str]:
    always = ["search.toml", *SHARDS, "--out", out, "--trials", str(trials)]
    return [*always, "--finalists", "0", *options]


def here(data: Path, out: str, trials: int, *options: str) -> subprocess.CompletedProcess[str]:
    """The command in the tests' own process, to its end."""
    return call("search", *words(out, trials, *options), folder=data)


def start(data: Path, out: str, trials: int) -> subprocess.Popen[str]:
    """The command in a process of its own, which can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "lrcn_cli.search", *words(out, trials)],
        cwd=data,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def states(out: Path) -> list[str]:
    """The state of each trial in the study, read without Optuna."""
    if not (out / "study.db").exists():
        return []
    with sqlite3.connect(f"file:{out / 'study.db'}?mode=ro", uri=True, timeout=60) as database:
        return [str(row[0]) for row in database.execute("SELECT state FROM trials ORDER BY number")]


def wait_until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    while not reached():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def in_a_trial(out: Path, number: int, epochs: int) -> bool:
    """Whether a trial is underway and has ended some epochs."""
    metrics = out / f"runs/trial-{number:04d}/metrics.jsonl"
    return metrics.exists() and metrics.read_text().count('"kind": "epoch"') >= epochs


@pytest.mark.slow
def test_a_planted_optimum_is_found_by_a_search_that_is_killed_twice(data: Path) -> None:
    out, trials = data / "killed", 8
    for number, epochs in ((1, 2), (4, 3)):
        process = start(data, "killed", trials)
        wait_until(process, lambda: in_a_trial(out, number, epochs))  # noqa: B023
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert "RUNNING" in states(out)
    found: Mapping[str, Any] = json.loads(here(data, "killed", trials, "--json").stdout)
    assert states(out) == ["COMPLETE"] * trials
    assert found["best"]["values"]["lr"] == 1e-2
    assert found["trials"][0]["figure"] == 1.0
    for trial in found["trials"]:
        assert (trial["figure"] == 1.0) == (trial["values"]["lr"] == 1e-2)

    here(data, "whole", trials)
    assert what_was_found(out) == what_was_found(data / "whole")


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_share_the_trials_and_one_may_die(data: Path) -> None:
    out, trials = data / "shared", 9
    victim, other = (start(data, "shared", trials) for _ in range(2))
    wait_until(victim, lambda: states(out).count("COMPLETE") >= 2)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    late = start(data, "shared", trials)
    for process in (other, late):
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert states(out) == ["COMPLETE"] * trials
    assert len(list(out.glob("runs/trial-*"))) == trials
    here(data, "alone", trials)
    assert what_was_found(out) == what_was_found(data / "alone")


@pytest.mark.slow
def test_ctrl_c_ends_a_search_in_order_and_the_same_command_goes_on(data: Path) -> None:
    process = start(data, "stopped", 3)
    wait_until(process, lambda: in_a_trial(data / "stopped", 1, 1))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "stopped: 1 of 3 trials have ended; the same command goes on from there" in errors
    assert (data / "stopped/runs/trial-0001/checkpoints/last.pt").exists()
    here(data, "stopped", 3)
    assert states(data / "stopped") == ["COMPLETE"] * 3
