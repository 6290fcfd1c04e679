"""NaN and infinity in a training: it stops before it saves them, and names the clips."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.training.checkpoint import load_checkpoint
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run import run_training
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.step import TrainStep
from lrcn_model.training.step_figures import StepSums
from lrcn_model.training.stop_signals import StopSignals

STEPS = 15
"""Three epochs of 10 clips, 2 a step."""


class Quiet:
    """An observer that says nothing."""

    def start(self, report: Any) -> None: ...
    def step(self, report: Any) -> None: ...
    def epoch(self, report: Any) -> None: ...
    def warn(self, message: str) -> None: ...


class Poison:
    """Makes one step's scores, or their gradient, something else.

    Attributes:
        keys: Of the clips of that step.
    """

    def __init__(self, patch: pytest.MonkeyPatch, step: int, change: Callable[[Tensor], Tensor]):
        self.keys: tuple[str, ...] = ()
        run, forward = TrainStep.run, LRCN.forward
        poisoned = False

        def noted_run(trained: TrainStep, batches: Any, **values: Any) -> StepSums:
            nonlocal poisoned
            poisoned = values["step"] + 1 == step
            if poisoned:
                self.keys = tuple(key for batch in batches for key in batch.keys)
            sums = run(trained, batches, **values)
            poisoned = False
            return sums

        def changed_forward(net: LRCN, frames: Tensor, lengths: Tensor) -> Tensor:
            scores = forward(net, frames, lengths)
            return change(scores) if poisoned else scores

        patch.setattr(TrainStep, "run", noted_run)
        patch.setattr(LRCN, "forward", changed_forward)


def nan_scores(scores: Tensor) -> Tensor:
    return scores * math.nan


def infinite_score(scores: Tensor) -> Tensor:
    return scores.index_fill(2, torch.tensor([0]), math.inf)


def infinite_gradient(scores: Tensor) -> Tensor:
    scores.register_hook(lambda gradient: gradient * math.inf)
    return scores


def huge_gradient(scores: Tensor) -> Tensor:
    """Finite, but its square is not, which is what Adam keeps."""
    scores.register_hook(lambda gradient: gradient * 1e25)
    return scores


CHANGES = (nan_scores, infinite_score, infinite_gradient, huge_gradient)


def tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in dicts and lists."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from tensors(part)


def fault_of_stopping(
    shards: Path, out: Path, step: int, change: Callable[[Tensor], Tensor], every: int
) -> str | None:
    """A fault unless the training stops, names the clips, and has saved nothing of it."""
    options = TrainOptions(
        shards=(str(shards),),
        net=NetConfig(cnn="small", size=(32, 32), lstm_hidden=8),
        epochs=3,
        lr=1e-3,
        device="cpu",
        workers=0,
        checkpoint_every=every,
        log_every=1,
    )
    with pytest.MonkeyPatch.context() as patch:
        # the training leaves the number of threads alone
        patch.setenv("OMP_NUM_THREADS", "1")
        poison = Poison(patch, step, change)
        try:
            run_training(options, RunChoice(out=out), Quiet(), StopSignals())
        except LrcnError as error:
            said = str(error)
        else:
            return "it went on"
    kept = out / "checkpoints/last.pt"
    if kept.exists():
        state = load_checkpoint(kept)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors(state)):
            return "the checkpoint is not finite"
        if state["progress"]["step"] >= step:
            return f"the checkpoint is of step {state['progress']['step']}"
    weights = out / "weights.safetensors"
    if weights.exists():
        if not all(bool(torch.isfinite(value).all()) for value in load_file(weights).values()):
            return "the weights are not finite"
    elif step > STEPS // 3 + 1:
        return "the first epoch's weights are gone"
    log = (out / "metrics.jsonl").read_text()
    if "NaN" in log or "Infinity" in log:
        return "the log has what is no number"
    return None if all(key in said for key in poison.keys) else f"it doesn't name the clips: {said}"


@pytest.mark.slow
@pytest.mark.promise(24, "NaN or infinity in scores, gradient or Adam's state: stops before saving")
def test_what_is_no_number_stops_the_training_before_it_is_saved(
    make_data_set: Any, tmp_path: Path, tally: Any, count: Callable[[int, int], int]
) -> None:
    shards = make_data_set(samples={"train": [7, 3]}, seq_len=2, sizes=((32, 32),))
    rng, threads = random.Random(24), torch.get_num_threads()
    torch.set_num_threads(1)
    steps = rng.sample(range(1, STEPS), count(1, 10))
    for step in steps:
        for change in CHANGES:
            # what only Adam's state has is looked for when a checkpoint is to be saved
            every = 1 if change is huge_gradient else rng.choice([1, 2, 3, 100])
            out = tmp_path / f"{change.__name__}-{step}"
            fault = fault_of_stopping(shards, out, step, change, every)
            tally.add(fault and f"{change.__name__} at step {step}, saving every {every}: {fault}")
    torch.set_num_threads(threads)
    tally.note(f"{len(steps)} different steps of {STEPS}, each in {len(CHANGES)} ways")
    tally.check(len(steps) * len(CHANGES))
