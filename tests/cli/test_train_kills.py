"""lrcn-train killed at random moments, against a training that was never killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "lrcn_cli.train", "--cnn", "small", "--size", "32x32"]
VALUES = {
    "--lstm-hidden": "16",
    "--epochs": "3",
    "--batch-size": "3",
    "--lr": "1e-3",
    "--crop": "0.2",
    "--flip": "0.5",
    "--checkpoint-every": "2",
    "--log-every": "1",
    "--device": "cpu",
}


def start(data: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    # in as many threads as a user's training takes
    environment = {name: text for name, text in os.environ.items() if name != "OMP_NUM_THREADS"}
    values = [text for pair in VALUES.items() for text in pair]
    shards = ["--shards", str(data), "--val-shards", f"{data}/val-000.tar", "--out", str(out)]
    return subprocess.Popen(
        [*COMMAND, *values, *shards, *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def train(data: Path, out: Path, *options: str) -> str:
    process = start(data, out, *options)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    return stdout


def lines(out: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what the clock decides."""
    timed = ("clips_per_s", "seconds")
    return [
        {name: value for name, value in json.loads(line).items() if name not in timed}
        for line in (out / "metrics.jsonl").read_text().splitlines()
    ]


@pytest.fixture
def data(make_data_set: Any) -> Path:
    path: Path = make_data_set(
        samples={"train": [9, 7, 10], "val": [6]}, sizes=((32, 32), (40, 24)), seq_len=3
    )
    return path


def last_step(out: Path) -> int:
    """The last step in metrics.jsonl, of which the last line may be half written."""
    try:
        text = (out / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return 0
    steps = [json.loads(line)["step"] for line in text.splitlines(keepends=True)[:-1] if line]
    return max(steps, default=0)


def log_of(out: Path) -> bytes:
    path = out / "metrics.jsonl"
    return path.read_bytes() if path.exists() else b""


def kill_at_a_step(process: subprocess.Popen[str], out: Path, step: int, delay: float) -> bool:
    """Kill a training and its workers soon after a step; whether it was still running."""
    before, deadline = log_of(out), time.monotonic() + 120
    # what is in the log before it goes on is of the training that was killed last
    while process.poll() is None and (log_of(out) == before or last_step(out) < step):
        assert time.monotonic() < deadline
        time.sleep(0.004)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "workers",
    [
        pytest.param(
            workers,
            marks=(
                pytest.mark.promise(
                    21, f"kill -9 after a random step, --workers {workers}: same losses and weights"
                ),
                *marks,
            ),
        )
        for workers, marks in (("0", (pytest.mark.long,)), ("2", ()))
    ],
)
def test_a_training_killed_at_random_steps_ends_as_one_never_killed(
    data: Path, tmp_path: Path, workers: str, tally: Any, count: Any, each: Any
) -> None:
    whole, kills = tmp_path / "whole", count(2, 50)
    train(data, whole, "--workers", "0")
    steps, weights = last_step(whole), (whole / "weights.safetensors").read_bytes()

    def chain(number: int, wanted: int) -> None:
        """Kill the training of one folder so often, then let it end."""
        rng, out = random.Random(f"{workers} {number}"), tmp_path / f"killed{number}"
        done = 0
        while done < wanted:
            step = rng.randint(1, min(steps - 1, last_step(out) + 2 + steps // wanted))
            process = start(data, out, "--workers", workers)
            done += kill_at_a_step(process, out, step, rng.uniform(0, 0.02))
            if last_step(out) >= steps - 1:
                break
        train(data, out, "--workers", workers)
        fault = None
        if lines(out) != lines(whole):
            fault = f"folder {number}: other losses"
        elif (out / "weights.safetensors").read_bytes() != weights:
            fault = f"folder {number}: other weights"
        for _ in range(done):
            tally.add(fault)

    number, size = 0, min(5, kills)
    while tally.tried < kills:
        chains = -(-(kills - tally.tried) // size)
        each(lambda n: chain(n, size), range(number, number + chains))
        number += chains
    tally.note(f"{number} trainings of {steps} steps; each ended after its last kill")
    tally.check(tally.tried)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_training_that_is_asked_to_stop_saves_and_goes_on_later(
    data: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "run"
    process = start(data, out, "--epochs", "400", "--checkpoint-every", "100000")
    deadline = time.monotonic() + 120
    while not (out / "metrics.jsonl").exists() or len(lines(out)) < 5:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "the same command goes on" in stderr
    assert "Traceback" not in stderr
    steps = [line["step"] for line in lines(out)]
    process = start(data, out, "--epochs", "400", "--checkpoint-every", "100000")
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(3)]
    assert said[-1].startswith(f"going on after step {max(steps)} ")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture
def windows(make_data_set: Any) -> Path:
    """A data set of labels in time."""
    path: Path = make_data_set(
        samples={"train": [9, 7, 10], "val": [6]},
        sizes=((40, 32),),
        seq_len=6,
        labels_in_time=True,
        recipe={"sampling": "windows"},
    )
    return path


CARRIED = ("--window", "4", "--carry-state", "--ema", "0.8")


WINDOWS = pytest.param(("--window", "4", "--window-stride", "2"), marks=pytest.mark.long)


@pytest.mark.parametrize("options", [CARRIED, WINDOWS], ids=str)
def test_a_training_on_labels_in_time_ends_as_one_never_stopped_or_killed(
    windows: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    # several more than those in which it is stopped, however late it is seen how far it is
    options = (*options, "--epochs", "6")
    train(windows, whole, *options)
    steps = last_step(whole)
    an_epoch = steps // 6

    # in the middle of the second epoch, between two checkpoints, and of the third one
    assert kill_at_a_step(start(windows, out, *options), out, an_epoch + 4, 0)
    process = start(windows, out, *options)
    while process.poll() is None and last_step(out) < 2 * an_epoch + 2:
        time.sleep(0.004)
    os.killpg(process.pid, signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert "the same command goes on from there" in stderr
    assert 2 * an_epoch < last_step(out) < steps
    train(windows, out, *options)

    assert lines(out) == lines(whole)
    assert (out / "weights.safetensors").read_bytes() == (
        whole / "weights.safetensors"
    ).read_bytes()


def launch(data: Path, out: Path) -> subprocess.Popen[str]:
    """A training of two processes that torchrun starts anew when one dies."""
    values = [text for pair in {**VALUES, "--epochs": "15"}.items() for text in pair]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "--max-restarts", "2", "-m", "lrcn_cli.train", *values),
            *("--cnn", "small", "--size", "32x32", "--shards", str(data), "--out", str(out)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def process_of_rank(launcher: subprocess.Popen[str], rank: int) -> int:
    for child in Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split():
        if f"\0RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise AssertionError(f"no process of rank {rank}")


def fault_of_killing(data: Path, out: Path, rank: int, step: int) -> str | None:
    """Kill one process after a step; a fault unless the training goes on and ends."""
    launcher = launch(data, out)
    try:
        deadline = time.monotonic() + 120
        while last_step(out) < step or not (out / "checkpoints/last.pt").exists():
            if launcher.poll() is not None or time.monotonic() > deadline:
                return "it never came to the step"
            time.sleep(0.01)
        os.kill(process_of_rank(launcher, rank), signal.SIGKILL)
        _, stderr = launcher.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        return "it hangs"
    finally:
        if launcher.poll() is None:
            os.killpg(launcher.pid, signal.SIGKILL)
            launcher.communicate()
    if launcher.returncode:
        return f"it ended with {launcher.returncode}: {stderr[-2000:]}"
    return None if "going on after step" in stderr else "it didn't go on from a checkpoint"


@pytest.mark.promise(23, "one of two processes killed: torchrun starts them anew, same losses")
def test_after_a_killed_process_torchrun_goes_on_from_the_last_checkpoint(
    data: Path, tmp_path: Path, tally: Any, count: Any
) -> None:
    whole = tmp_path / "whole"
    launcher = launch(data, whole)
    _, stderr = launcher.communicate(timeout=200)
    assert launcher.returncode == 0, stderr
    rng, kills = random.Random(23), count(1, 20)
    for number in range(kills):
        rank, step, out = (number + 1) % 2, rng.randint(3, 55), tmp_path / f"killed{number}"
        fault = fault_of_killing(data, out, rank, step)
        if fault is None and lines(out) != lines(whole):
            fault = "other losses"
        weights = [folder / "weights.safetensors" for folder in (out, whole)]
        if fault is None and weights[0].read_bytes() != weights[1].read_bytes():
            fault = "other weights"
        tally.add(fault and f"rank {rank} at step {step}: {fault}")
    tally.note("each rank in turn; losses and weights were bit-equal to those of a run left alone")
    tally.check(kills)
