"""lrcn-train on two nodes of torchrun, of which one is lost at random moments."""

from __future__ import annotations

import json
import math
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from lrcn_model.training.checkpoint import load_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.long]

CLIPS, EPOCHS = 42, 6

VALUES = (
    f"--cnn small --size 32x32 --lstm-hidden 8 --dropout 0.3 --mixup 0.4 --flip 0.5 --ema 0.8"
    f" --optimizer sgd --lr 1e-2 --epochs {EPOCHS} --batch-size 1 --checkpoint-every 2"
    " --log-every 1 --device cpu --workers 0"
).split()

BEGUN_WITH = (2, 2)
"""The nodes that a run is begun with, and the processes of each."""

OTHERS = [(2, 2), (2, 1), (2, 1), (1, 1)]
"""The nodes and processes that it may go on with."""


def train(data: Path, out: Path) -> list[str]:
    shards = ["--shards", str(data), "--val-shards", f"{data}/val-000.tar", "--out", str(out)]
    return ["lrcn_cli.train", *VALUES, *shards]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def start_node(
    command: list[str], port: int, *, nodes: str, processes: int, restarts: int = 0
) -> subprocess.Popen[str]:
    """Start torchrun as on one of several machines; the first one that comes has the store."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nnodes", nodes),
            *("--nproc-per-node", str(processes), "--max-restarts", str(restarts)),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}"),
            *("--rdzv-id", "test", "--local-addr", "127.0.0.1"),
            *("--rdzv-conf", "last_call_timeout=2", "-m", *command),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_alone(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start(command: list[str], nodes: int, processes: int) -> list[subprocess.Popen[str]]:
    """Start a training on some nodes, each with some processes."""
    if nodes * processes == 1:
        return [start_alone(command)]
    port = free_port()
    return [start_node(command, port, nodes=str(nodes), processes=processes) for _ in range(nodes)]


def lose(node: subprocess.Popen[str]) -> bool:
    """Kill torchrun and all that it has started, as a machine that fails does; whether it ran."""
    with suppress(psutil.Error):
        there = [psutil.Process(node.pid), *psutil.Process(node.pid).children(recursive=True)]
        for process in there:
            with suppress(psutil.Error):
                process.kill()
    node.communicate()
    return node.returncode == -9


def last_step(out: Path) -> int:
    """The last step in metrics.jsonl, of which the last line may be half written."""
    try:
        text = (out / "metrics.jsonl").read_text()
    except FileNotFoundError:
        return 0
    steps = [json.loads(line)["step"] for line in text.splitlines(keepends=True)[:-1] if line]
    return max(steps, default=0)


def written(out: Path) -> bytes:
    path = out / "metrics.jsonl"
    return path.read_bytes() if path.exists() else b""


def lines(out: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what the clock decides."""
    timed = ("clips_per_s", "seconds")
    return [
        {name: value for name, value in json.loads(line).items() if name not in timed}
        for line in (out / "metrics.jsonl").read_text().splitlines()
    ]


def difference(one: Path, other: Path) -> str | None:
    """What of two runs differs by more than rounding."""
    figures, expected = lines(one), lines(other)
    if len(figures) != len(expected):
        return f"{len(figures)} lines of figures, not {len(expected)}"
    for line, right in zip(figures, expected, strict=True):
        if line.keys() != right.keys():
            return f"{line} instead of {right}"
        for name, value in line.items():
            same = value == right[name]
            if isinstance(value, float):
                same = math.isclose(value, right[name], rel_tol=1e-3, abs_tol=1e-6)
            if not same:
                return f"{name} {value}, not {right[name]}, after step {right['step']}"
    states = [load_checkpoint(out / "checkpoints/last.pt")["net"] for out in (one, other)]
    for name, value in states[0].items():
        if not torch.allclose(value, states[1][name], rtol=1e-3, atol=1e-4):
            return f"other weights, {name}"
    return None


def kill_at_a_step(nodes: list[subprocess.Popen[str]], out: Path, rng: random.Random) -> str | None:
    """Lose a node after a random step, then the others; a fault unless they were training."""
    before, deadline = written(out), time.monotonic() + 240
    step = None
    while True:
        if written(out) != before:
            # what was there before may have been thrown away, as it came after a checkpoint
            step = last_step(out) + rng.randint(0, 5) if step is None else step
            if last_step(out) >= step:
                break
        if any(node.poll() is not None for node in nodes):
            break
        if time.monotonic() > deadline:
            for node in nodes:
                lose(node)
            return "it hangs"
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.05))
    rng.shuffle(nodes)
    for node in nodes:
        lose(node)
        # the others write what they may until they see that it is gone
        time.sleep(rng.uniform(0, 0.5))
    return None


def end(command: list[str], nodes: int, processes: int) -> None:
    running = start(command, nodes, processes)
    said = [node.communicate(timeout=400)[1] for node in running]
    assert not any(node.returncode for node in running), said


@pytest.fixture
def data(make_data_set: Any) -> Path:
    path: Path = make_data_set(
        samples={"train": [20, CLIPS - 20], "val": [5]}, sizes=((32, 32),), seq_len=3
    )
    return path


@pytest.mark.promise(
    23,
    "two nodes of torchrun, one lost at a random step, gone on with 4, 2 or 1 processes: same"
    " losses and weights but for rounding",
)
def test_a_training_on_two_nodes_of_which_one_is_lost_ends_as_one_left_alone(
    data: Path, tmp_path: Path, tally: Any, count: Callable[[int, int], int]
) -> None:
    whole, kills, done = tmp_path / "whole", count(2, 50), 0
    end(train(data, whole), *BEGUN_WITH)
    steps, rng, number = last_step(whole), random.Random(23), 0
    shapes: dict[tuple[int, int], int] = {}
    while done < kills:
        out, shape, here = tmp_path / f"killed{number}", BEGUN_WITH, 0
        fault = None
        while done + here < kills and fault is None and last_step(out) < steps - 4:
            fault = kill_at_a_step(start(train(data, out), *shape), out, rng)
            shapes[shape] = shapes.get(shape, 0) + 1
            shape, here = rng.choice(OTHERS), here + 1
        if fault is None:
            end(train(data, out), *shape)
            fault = difference(out, whole)
        for _ in range(here):
            tally.add(fault and f"training {number}: {fault}")
        number, done = number + 1, done + here
    killed = ", ".join(f"{n} on {nodes} x {each}" for (nodes, each), n in sorted(shapes.items()))
    tally.note(f"{number} trainings of {steps} steps, killed {killed} (nodes x processes of each)")
    tally.check(kills)


def test_torchrun_goes_on_with_the_node_that_is_left(data: Path, tmp_path: Path) -> None:
    whole, out, port = tmp_path / "whole", tmp_path / "run", free_port()
    end(train(data, whole), 2, 1)
    steps = last_step(whole)
    first = start_node(train(data, out), port, nodes="1:2", processes=1, restarts=3)
    try:
        # the node with the store must be there to the end
        time.sleep(1)
        second = start_node(train(data, out), port, nodes="1:2", processes=1, restarts=3)
        while last_step(out) < 9 and first.poll() is None:
            time.sleep(0.01)
        lose(second)
        assert last_step(out) < steps
        _, said = first.communicate(timeout=300)
    finally:
        for node in (first, second):
            lose(node)
    assert first.returncode == 0, said
    assert "each process does the work of 2" in said
    assert difference(out, whole) is None
