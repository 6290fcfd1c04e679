"""A run that goes on with more or fewer processes than it was begun with."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_model.ranks import Ranks
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.training.checkpoint import load_checkpoint
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step_shares import StepShares, step_shares
from tests.commands import call
from tests.free_port import free_port


def shares_of(options: TrainOptions, processes: int, begun_with: int) -> list[StepShares]:
    """The shares of each of some processes."""
    return [
        step_shares(options, Ranks(rank=rank, count=processes), begun_with)
        for rank in range(processes)
    ]


def steps_of(shares: StepShares, clips: int) -> list[list[list[int]]]:
    """The batches of each step that a process takes in an epoch."""
    sampler = EpochSampler(
        range(clips),
        batch_size=shares.batch_size,
        ranks=shares.count,
        stands_for=shares.own,
        accumulate=shares.accumulate,
    )
    batches = iter(sampler)
    steps = []
    while step := list(itertools.islice(batches, shares.own_batches)):
        steps.append(step)
    return steps


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize(("begun_with", "processes"), [(4, 2), (4, 1), (6, 3), (3, 1)])
@pytest.mark.parametrize("clips", [7, 48, 53])
def test_with_fewer_processes_the_batches_of_every_step_stay_the_same(
    begun_with: int, processes: int, accumulate: int, clips: int
) -> None:
    options = TrainOptions(batch_size=2, accumulate=accumulate)
    steps = []
    for count in (begun_with, processes):
        of_ranks = [steps_of(one, clips) for one in shares_of(options, count, begun_with)]
        steps.append([sorted(itertools.chain(*step)) for step in zip(*of_ranks, strict=True)])
    assert steps[0] == steps[1]


@pytest.mark.parametrize(
    ("begun_with", "batch_size", "accumulate", "processes", "expected"),
    [(2, 4, 1, 4, (2, 1)), (1, 4, 2, 2, (4, 1)), (3, 4, 1, 2, (3, 2)), (2, 6, 1, 3, (4, 1))],
)
def test_with_other_processes_a_step_keeps_its_clips_in_batches_no_larger(
    begun_with: int, batch_size: int, accumulate: int, processes: int, expected: tuple[int, int]
) -> None:
    options = TrainOptions(batch_size=batch_size, accumulate=accumulate)
    before, after = (
        [steps_of(one, 96) for one in shares_of(options, count, begun_with)]
        for count in (begun_with, processes)
    )
    clips = [
        [sorted(itertools.chain(*itertools.chain(*step))) for step in zip(*of_ranks, strict=True)]
        for of_ranks in (before, after)
    ]
    assert clips[0] == clips[1]
    found = shares_of(options, processes, begun_with)[0]
    assert (found.batch_size, found.accumulate) == expected


def test_processes_that_cannot_share_a_step_evenly_are_told_which_can() -> None:
    with pytest.raises(UsageError, match=r"take 8 clips .* 3 processes .* start 1, 2, 4, 8 "):
        step_shares(TrainOptions(batch_size=2), Ranks(rank=1, count=3), 4)


def on_two(*arguments: str, folder: Path, second: tuple[str, ...] = ()) -> list[str]:
    """Train with two processes, as torchrun starts them, which would import torch once more.

    Args:
        arguments: Of the command.
        folder: In which the first one works; the other has a folder of its own, as on another
            machine that shares nothing.
        second: What the second one is given besides.

    Returns:
        The end of each one's stderr, after its exit code.
    """
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(free_port())}
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "lrcn_cli.train", *arguments, *own],
            env={**os.environ, **group, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=cwd,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, (cwd, own) in enumerate([(folder, ()), (elsewhere, second)])
    ]
    said = [process.communicate(timeout=300)[1] for process in processes]
    return [f"{process.returncode} {text}" for process, text in zip(processes, said, strict=True)]


def assert_close(one: Any, other: Any) -> None:
    """States of a training are the same but for rounding."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one.keys() - {"seconds"}:
            assert_close(one[name], other[name])
    elif isinstance(one, list):
        for pair in zip(one, other, strict=True):
            assert_close(*pair)
    elif isinstance(one, torch.Tensor):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    else:
        assert one == (pytest.approx(other, rel=1e-4) if isinstance(one, float) else other)


@pytest.mark.slow
def test_one_process_ends_a_run_of_two_as_they_would_have(
    make_data_set: Callable[..., Path],
) -> None:
    # 21 clips: 5 steps of 4 and one clip more, which the last step takes as well
    data = make_data_set(samples={"train": [10, 11], "val": [3]}, sizes=((32, 32),), seq_len=3)
    folder = data.parent
    arguments = (
        f"--shards {data} --val-shards {data} --out run --cnn small --size 32x32 --lstm-hidden 8"
        " --dropout 0.5 --mixup 0.4 --flip 0.5 --ema 0.5 --optimizer sgd --lr 1e-2 --epochs 1"
        " --batch-size 2 --checkpoint-every 3 --log-every 1 --device cpu --workers 0"
    ).split()
    for ended in on_two(*arguments, folder=folder):
        assert ended.startswith("0 "), ended
    assert not (folder / "elsewhere/run").exists()
    whole, alone = folder / "run/checkpoints", folder / "alone/checkpoints"
    shutil.copytree(folder / "run", folder / "alone")
    # that after the third step
    (alone / "previous.pt").replace(alone / "last.pt")
    arguments[arguments.index("run")] = "alone"
    said = call("train", *arguments, folder=folder).stderr
    assert (
        "begun with 2 processes: a step stays at 4 clips; each process does the work of 2" in said
    )
    states = [load_checkpoint(one / "last.pt") for one in (whole, alone)]
    assert states[0]["progress"]["step"] == 5
    assert_close(*states)
    assert json.loads((folder / "alone/run.json").read_text())["processes"] == 2


@pytest.mark.slow
@pytest.mark.long
def test_processes_that_were_started_with_other_values_are_refused(
    make_data_set: Callable[..., Path],
) -> None:
    data = make_data_set(samples={"train": [6]}, sizes=((32, 32),), seq_len=3)
    arguments = f"--shards {data} --out run --cnn small --size 32x32 --device cpu".split()
    ends = on_two(*arguments, folder=data.parent, second=("--batch-size", "4"))
    for ended in ends:
        assert ended.startswith("2 "), ended
        assert "has batch_size 4, process 0 (on " in ended
    assert not (data.parent / "run").exists()
