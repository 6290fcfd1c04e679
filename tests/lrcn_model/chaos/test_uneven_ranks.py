"""Two processes and shards that don't divide evenly: equal steps, every sample exactly once."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_model import EpochSampler, ShardDataset

MakeDataSet = Callable[..., Path]
Count = Callable[[int, int], int]


def uneven(shards: int, number: int) -> list[int]:
    """Samples of each shard, some of them none; odd in all, but for the last of the numbers."""
    rng = random.Random(f"{shards} {number}")
    counts = [rng.randint(0, 7) for _ in range(shards)]
    counts[0] += 2 + (sum(counts) % 2 == (number % 4 != 3))
    return counts


@pytest.mark.promise(22, "the sampler's epochs for 2 ranks, 1 to 9 shards, any batch and window")
def test_two_ranks_take_every_sample_once_in_equally_many_steps(
    make_data_set: MakeDataSet, tally: Any, count: Count
) -> None:
    for shards, number in itertools.product(range(1, 10), range(count(1, 8))):
        samples = uneven(shards, number)
        folder = make_data_set(
            f"{shards}-{number}", samples={"train": samples}, seq_len=1, sizes=((8, 8),)
        )
        dataset = ShardDataset(folder)
        for batch_size, window, epoch in itertools.product((1, 2, 3, 5), (0, 1, 3), (0, 1)):
            taken = []
            for rank in range(2):
                sampler = EpochSampler(
                    dataset, batch_size=batch_size, rank=rank, ranks=2, shuffle_window=window
                )
                sampler.set_epoch(epoch)
                taken.append(list(sampler))
            everything = sorted(s for batches in taken for batch in batches for s in batch)
            once = everything == list(range(sum(samples)))
            equal = len(taken[0]) == len(taken[1]) and all(map(all, map(zip, *taken)))
            what = f"{samples}, batch {batch_size}, window {window}"
            tally.add(None if once and equal else what)
    tally.check(9 * count(1, 8) * 4 * 3 * 2)


RECORDING = """
import json, os, sys

from lrcn_model.scoring.scorer import Scorer
from lrcn_model.training.step import TrainStep

run, add = TrainStep.run, Scorer.add
rank = os.environ["RANK"]


def note(what, number, keys):
    with open(os.path.join(os.environ["NOTES"], f"{what}-{rank}"), "a") as file:
        file.write(json.dumps([number, list(keys)]) + "\\n")


def noted_run(self, batches, *, epoch, step, **others):
    note(f"train{epoch}", step, [key for batch in batches for key in batch.keys])
    return run(self, batches, epoch=epoch, step=step, **others)


def noted_add(self, scores, batch):
    note("val", 0, batch.keys)
    return add(self, scores, batch)


TrainStep.run, Scorer.add = noted_run, noted_add

from lrcn_cli.train import main

main()
"""


def noted(folder: Path, what: str) -> list[list[Any]]:
    """[step, keys] of each batch that a rank took."""
    path = folder / what
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def launched(folder: Path, shards: int) -> str | None:
    """Train two epochs with two processes; a fault if a clip was not taken just once in each."""
    notes = folder.parent / f"notes-{folder.name}"
    notes.mkdir()
    script = notes / "recording.py"
    script.write_text(RECORDING)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", str(script), "--cnn", "small", "--size", "32x32"),
            *("--lstm-hidden", "8", "--device", "cpu", "--workers", "0", "--epochs", "2"),
            *("--batch-size", "2", "--shards", str(folder), "--out", str(notes / "run")),
            *("--val-shards", *map(str, sorted(folder.glob("val-*.tar")))),
        ],
        env={**os.environ, "NOTES": str(notes)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=150)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "it hangs"
    if process.returncode:
        return f"it ended with {process.returncode}: {said[-2000:]}"
    dataset = ShardDataset(folder)
    splits = {"train": Counter[str](), "val": Counter[str]()}
    for number in range(len(dataset)):
        clip = dataset[number]
        splits[clip.keys[0].split("-")[0]][clip.keys[0]] += 1
    for epoch in range(2):
        ranks = [noted(notes, f"train{epoch}-{rank}") for rank in range(2)]
        if [step for step, _ in ranks[0]] != [step for step, _ in ranks[1]]:
            return f"epoch {epoch}: {len(ranks[0])} and {len(ranks[1])} steps"
        if Counter(key for rank in ranks for _, keys in rank for key in keys) != splits["train"]:
            return f"epoch {epoch}: not every clip once"
    scored = Counter(
        key for rank in range(2) for _, keys in noted(notes, f"val-{rank}") for key in keys
    )
    return None if scored == splits["val"] + splits["val"] else "validation: not every clip once"


@pytest.mark.slow
@pytest.mark.promise(22, "lrcn-train under torchrun, 2 processes, 1 to 9 shards, odd counts")
def test_two_processes_train_on_every_clip_once(
    make_data_set: MakeDataSet, tally: Any, count: Count
) -> None:
    launches = [*range(1, 10), 5][-count(1, 10) :]
    for number, shards in enumerate(launches):
        folder = make_data_set(
            f"launch{number}",
            samples={"train": uneven(shards, number), "val": [number % 3 + 1, 2]},
            seq_len=2,
            sizes=((32, 32),),
        )
        fault = launched(folder, shards)
        tally.add(fault and f"{uneven(shards, number)}: {fault}")
    tally.check(len(launches))
