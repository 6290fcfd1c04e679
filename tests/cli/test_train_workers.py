"""The processes that read for lrcn-train: none hangs, outlives the training, or hides an error."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

MakeDataSet = Callable[..., Path]
TRAIN = [sys.executable, "-m", "lrcn_cli.train", "--cnn", "small", "--size", "32x32"]
TRAIN += ["--lstm-hidden", "8", "--device", "cpu", "--workers", "2", "--out", "run"]


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TRAIN, "--shards", "shards", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(training: subprocess.Popen[str]) -> str:
    """What it said on stderr; it and its pipes must end soon."""
    try:
        return training.communicate(timeout=60)[1]
    finally:
        training.kill()


def helpers(training: subprocess.Popen[str], *, at_least: int) -> list[psutil.Process]:
    """All processes that it has started, once there are so many."""
    family: list[psutil.Process] = []
    while len(family) < at_least:
        assert training.poll() is None
        time.sleep(0.02)
        family = psutil.Process(training.pid).children(recursive=True)
    return family


def wait_for_steps(folder: Path, training: subprocess.Popen[str]) -> None:
    metrics = folder / "run/metrics.jsonl"
    while not metrics.exists() or not metrics.read_text():
        assert training.poll() is None
        time.sleep(0.02)


def readers(training: subprocess.Popen[str]) -> list[psutil.Process]:
    """Its DataLoader's workers: grandchildren, forked by a server."""
    return [p for p in helpers(training, at_least=4) if p.ppid() != training.pid]


def test_a_damaged_shard_ends_a_training_in_one_line(make_data_set: MakeDataSet) -> None:
    data = make_data_set(samples={"train": [8]})
    tar = bytearray((data / "train-000.tar").read_bytes())
    tar[600] ^= 1
    (data / "train-000.tar").write_bytes(bytes(tar))
    training = start(data.parent, "--epochs", "1")
    said = end(training)
    assert training.returncode == 1
    assert said.splitlines()[-1].startswith("error: shards/train-000.tar: sample 0")
    assert "Traceback" not in said


def test_a_reader_that_dies_ends_a_training_in_one_line(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [40]}).parent
    training = start(folder, "--epochs", "10000", "--log-every", "1")
    wait_for_steps(folder, training)
    readers(training)[0].kill()
    said = end(training)
    assert training.returncode == 1
    assert "error: a process that reads shards died" in said
    assert "Traceback" not in said


def test_no_reader_outlives_a_training_that_is_killed(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [40]}).parent
    training = start(folder, "--epochs", "10000", "--log-every", "1")
    wait_for_steps(folder, training)
    family = helpers(training, at_least=4)
    os.kill(training.pid, signal.SIGKILL)
    end(training)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


LATE = [pytest.param(delay, marks=pytest.mark.long) for delay in (0.0, 0.8)]


@pytest.mark.parametrize("delay", [0.3, *LATE])
def test_ctrl_c_while_readers_start_is_orderly(make_data_set: MakeDataSet, delay: float) -> None:
    folder = make_data_set(samples={"train": [40]}).parent
    training = start(folder, "--epochs", "10000")
    helpers(training, at_least=2)
    time.sleep(delay)
    os.killpg(training.pid, signal.SIGINT)
    said = end(training)
    assert training.returncode == 130, said
    assert "Traceback" not in said


def test_a_disk_that_fills_up_ends_a_training_in_one_line(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set(samples={"train": [8]}).parent
    for limit in (1000, 3000, 100_000):
        shutil.rmtree(folder / "run", ignore_errors=True)
        code = (
            f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
            "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "from lrcn_cli.train import main; main()"
        )
        command = [sys.executable, "-c", code, *TRAIN[3:], "--workers", "0", "--epochs", "2"]
        done = subprocess.run(
            [*command, "--shards", "shards"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1, (limit, done.stderr)
        assert "Traceback" not in done.stderr
        assert "error: run" in done.stderr
