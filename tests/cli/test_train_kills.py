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

KILLS = 100 if os.environ.get("LRCN_CHAOS") == "1" else 2
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
    values = [text for pair in VALUES.items() for text in pair]
    shards = ["--shards", str(data), "--val-shards", f"{data}/val-000.tar", "--out", str(out)]
    return subprocess.Popen(
        [*COMMAND, *values, *shards, *options],
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


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_training_killed_at_random_moments_logs_the_losses_of_one_never_killed(
    data: Path, tmp_path: Path, workers: str
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(data, whole, "--workers", "0")
    began = time.monotonic()
    train(data, tmp_path / "timed", "--workers", workers)
    usual = time.monotonic() - began
    rng = random.Random(int(workers))
    for _ in range(KILLS):
        process = start(data, killed, "--workers", workers)
        time.sleep(rng.uniform(0.3, 1.05) * usual)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    train(data, killed, "--workers", workers)
    assert lines(killed) == lines(whole)
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, killed)]
    assert weights[0] == weights[1]


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
    assert f"going on after step {max(steps)}" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_after_a_killed_process_torchrun_goes_on_from_the_last_checkpoint(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    values = [text for pair in {**VALUES, "--epochs": "30"}.items() for text in pair]
    launcher = subprocess.Popen(
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
    try:
        deadline = time.monotonic() + 120
        while not (out / "metrics.jsonl").exists() or len(lines(out)) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        _, stderr = launcher.communicate(timeout=300)
        assert launcher.returncode == 0, stderr
        assert "going on after step" in stderr
        ended = [line["epoch"] for line in lines(out) if "accuracy" in line]
        assert ended == list(range(1, 31))
        steps = [line["step"] for line in lines(out) if "accuracy" not in line]
        assert steps == list(range(1, len(steps) + 1))
    finally:
        if launcher.poll() is None:
            os.killpg(launcher.pid, signal.SIGKILL)
            launcher.communicate()
