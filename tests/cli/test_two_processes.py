"""lrcn-train and lrcn-eval under torchrun, with two processes on a CPU."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lrcn_model.training.checkpoint import load_checkpoint
from tests.cli.several_processes import NET, same_figures
from tests.commands import call

pytestmark = pytest.mark.slow

MakeDataSet = Callable[..., Path]
TRAIN = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"]


def on_two(*command: str, cwd: Path) -> str:
    """What two processes print that torchrun starts."""
    launch = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = subprocess.run(
        [sys.executable, "-m", *launch, "-m", *command],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


THREADS = """
import os, pathlib, runpy
from torch import distributed

destroy = distributed.destroy_process_group

def destroy_and_write_threads():
    destroy()
    names = [path.read_text() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    pathlib.Path("threads-" + os.environ["RANK"]).write_text("".join(names))

distributed.destroy_process_group = destroy_and_write_threads
runpy.run_module("lrcn_cli.train", run_name="__main__")
"""
"""lrcn-train, by which each process writes the names of its threads when the group is gone."""


DRY_RUN = pytest.param("--dry-run", marks=pytest.mark.long)


@pytest.mark.parametrize("option", ["--log-every=1", DRY_RUN])
def test_the_threads_of_the_group_end_with_it(make_data_set: MakeDataSet, option: str) -> None:
    # one that comes to the end of the interpreter can abort the process, and one that ends when
    # DistributedDataParallel lets go of the group can wait for ever
    folder = make_data_set(samples={"train": [6]}, sizes=((32, 32),), seq_len=3).parent
    (folder / "threads.py").write_text(THREADS)
    options = ["--batch-size", "1", "--epochs", "1", "--out", "run", option]
    on_two("threads", *TRAIN, "--shards", "shards", *options, cwd=folder)
    for rank in range(2):
        assert "gloo" not in (folder / f"threads-{rank}").read_text()


KINDS = [
    {},
    pytest.param({"multi_label": True}, marks=pytest.mark.long),
    pytest.param({"variable_length": True}, marks=pytest.mark.long),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_two_processes_train_and_score_every_clip_once(
    make_data_set: MakeDataSet, kind: dict[str, bool]
) -> None:
    folder = make_data_set(
        samples={"train": [3, 1, 4, 1, 2], "val": [4, 3]},
        sizes=((32, 32),),
        seq_len=3,
        **kind,
    ).parent
    shards = ["--shards", "shards/train-{000..004}.tar", "--val-shards", "shards/val-*.tar"]
    options = ["--epochs", "2", "--batch-size", "2", "--log-every", "1", "--out", "run"]
    on_two("lrcn_cli.train", *TRAIN, *shards, *options, "--ema", "0.5", cwd=folder)
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    # 11 clips, 4 a step: 2 steps of 4 and one of 3, which both processes have a part of
    assert [line["step"] for line in lines if "accuracy" not in line] == [1, 2, 3, 4, 5, 6]
    epochs = [line for line in lines if "accuracy" in line]
    assert [line["epoch"] for line in epochs] == [1, 2]

    score = ["run", "--shards", "shards/val-*.tar", "--device", "cpu", "--json"]
    alone = json.loads(call("evaluate", *score, folder=folder).stdout)
    kept = [dict(np.load((folder / alone["kept"]).with_suffix(".npz")))]
    together = json.loads(on_two("lrcn_cli.evaluate", *score, cwd=folder))
    assert (alone["clips"], alone["videos"]) == (7, 7)
    kept.append(dict(np.load((folder / alone["kept"]).with_suffix(".npz"))))
    assert kept[0].keys() == kept[1].keys()
    for name, values in kept[0].items():
        if name in ("frame_scores", "video_scores"):
            np.testing.assert_allclose(kept[1][name], values, rtol=2e-3, atol=2e-3)
        else:
            assert np.array_equal(kept[1][name], values), name
    same_figures(alone, together)
    if not kind:
        compared = json.loads(on_two("lrcn_cli.evaluate", "run", *score, cwd=folder))
        assert [one["clips"] for one in compared["runs"]] == [7, 7]
        assert set(compared["comparison"]["differences"].values()) == {0.0}
    best = [line for line in epochs if line["best"]][-1]
    assert best["val_accuracy"] == alone["accuracy"]
    assert best["val_frame_loss"] == pytest.approx(alone["frame_loss"], rel=1e-5)


OF_WINDOWS = (
    *("--config", "net.toml", "--size", "32x32", "--dropout", "0", "--shards", "shards"),
    *("--val-shards", "shards", "--window", "4", "--epochs", "2", "--class-weights", "balanced"),
    *("--lr", "1e-2", "--log-every", "1", "--device", "cpu"),
)


@pytest.fixture
def windows(make_data_set: MakeDataSet) -> Path:
    """The folder of a data set of labels in time, and of a net."""
    folder = make_data_set(
        samples={"train": [6, 5], "val": [5], "test": [4]},
        sizes=((32, 32),),
        seq_len=6,
        labels_in_time=True,
        recipe={"sampling": "windows"},
    ).parent
    (folder / "net.toml").write_text(NET)
    return folder


def test_two_processes_learn_of_windows_what_one_does_with_batches_twice_as_large(
    windows: Path,
) -> None:
    folder, train = windows, [*OF_WINDOWS, "--window-stride", "2"]
    call("train", *train, "--batch-size", "4", "--out", "one", folder=folder)
    on_two("lrcn_cli.train", *train, "--batch-size", "2", "--out", "two", cwd=folder)

    logs = [(folder / run / "metrics.jsonl").read_text().splitlines() for run in ("one", "two")]
    assert len(logs[0]) > 8
    for one, two in zip(*(map(json.loads, log) for log in logs), strict=True):
        timed = {"clips_per_s": 0, "seconds": 0}
        same_figures(one | timed, two | timed, rel=1e-4)

    score = ["two", "--shards", "shards", "--device", "cpu", "--json", "--alarm", "class 1"]
    alone = json.loads(call("evaluate", *score, folder=folder).stdout)
    together = json.loads(on_two("lrcn_cli.evaluate", *score, cwd=folder))
    names = ("frames", "frame_accuracy", "frame_map", "f1_50", "temporal_map", "kept")
    same_figures(*({name: found[name] for name in names} for found in (alone, together)), rel=1e-4)


def test_two_processes_score_carried_states_as_one_does(windows: Path) -> None:
    call("train", *OF_WINDOWS, "--carry-state", "--out", "run", folder=windows)
    score = ["run", "--shards", "shards", "--device", "cpu", "--json"]
    alone = json.loads(call("evaluate", *score, folder=windows).stdout)
    assert json.loads(on_two("lrcn_cli.evaluate", *score, cwd=windows)) == alone


def test_two_processes_refuse_to_carry_states_in_training(windows: Path) -> None:
    with pytest.raises(
        AssertionError, match="--carry-state goes through each video in one process"
    ):
        on_two("lrcn_cli.train", *OF_WINDOWS, "--carry-state", cwd=windows)


def test_two_processes_go_on_from_the_same_checkpoint_where_the_last_is_rotten(
    make_data_set: MakeDataSet,
) -> None:
    folder = make_data_set(samples={"train": [6]}, sizes=((32, 32),), seq_len=3).parent
    options = ["--batch-size", "2", "--out", "run"]
    call("train", *TRAIN, "--shards", "shards", *options, "--epochs", "2", folder=folder)
    last = folder / "run/checkpoints/last.pt"
    damaged = bytearray(last.read_bytes())
    damaged[5000] ^= 1
    last.unlink()
    last.write_bytes(bytes(damaged))
    on_two("lrcn_cli.train", "--resume", "run", "--epochs", "3", cwd=folder)
    lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if "accuracy" in line] == [1, 2, 3]


def process_of_rank(launcher: int, rank: int) -> int:
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        if f"\0RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise AssertionError(f"no process of rank {rank}")


def test_a_signal_to_one_of_two_processes_stops_both_after_the_same_step(
    make_data_set: MakeDataSet,
) -> None:
    folder = make_data_set(samples={"train": [8]}, sizes=((32, 32),), seq_len=3).parent
    values = ["--shards", "shards", "--out", "run", "--batch-size", "2", "--log-every", "1"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "lrcn_cli.train", *TRAIN, *values),
            *("--epochs", "1000", "--checkpoint-every", "100000"),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        log, deadline = folder / "run/metrics.jsonl", time.monotonic() + 120
        while not log.exists() or log.read_bytes().count(b"\n") < 5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process_of_rank(process.pid, 1), signal.SIGTERM)
        _, stderr = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    steps = {int(step) for step in re.findall(r"stopped after step (\d+);", stderr)}
    saved = load_checkpoint(folder / "run/checkpoints/last.pt")["progress"]["step"]
    assert steps == {saved}, stderr
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["step"] == saved
