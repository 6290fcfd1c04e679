"""A training from its options to its end: which folder it has, and that no other is in it."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lrcn_data.errors import UsageError
from lrcn_data.machine import usable_cores
from lrcn_data.storage.folder_lock import run_lock
from lrcn_model.nets.net_table import Layer, forward_flop, net_table, training_flop
from lrcn_model.processor import (
    Processor,
    choose_processor,
    keep_freed_memory,
    out_of_memory_remedy,
)
from lrcn_model.ranks import Ranks, joined, ranks_from_environment
from lrcn_model.run_folder import RUNS, RunFolder
from lrcn_model.training.data import TrainData
from lrcn_model.training.initial_weights import begin_with
from lrcn_model.training.learning_rate import learning_rate
from lrcn_model.training.loop import Training
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.reports import TrainingObserver
from lrcn_model.training.run_record import (
    TrainedOn,
    check_same,
    read_options,
    run_name,
    write_record,
)
from lrcn_model.training.step import TrainStep
from lrcn_model.training.stop_signals import StopSignals


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which folder a training is in.

    Attributes:
        out: --out; None for `runs/<cnn>-<8 hex>`.
        fresh: Whether to throw away the run that is there.
    """

    out: Path | None = None
    fresh: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        folder: Of the run.
        trained: Whether there was anything left to do.
        first: Whether this process is the one that talks.
    """

    folder: Path
    trained: bool
    first: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """What a training would be.

    Attributes:
        folder: Of the run.
        goes_on: Whether a run is there already.
        layers: Of the net.
        flop: Floating point operations a frame, forward.
        flop_with_backward: The same, forward and backward.
        clips: To train on.
        val_clips: To validate with.
        steps_per_epoch: Of the optimizer.
        steps: Of the optimizer, in all.
        processor: What computes, and how precisely.
        workers: Processes that read.
        loss: Of the one step that was done.
        seconds: That the step took.
        memory: Bytes at most: of the GPU, or of this process.
    """

    folder: str
    goes_on: bool
    layers: list[Layer]
    flop: int
    flop_with_backward: int
    clips: int
    val_clips: int
    steps_per_epoch: int
    steps: int
    processor: str
    workers: int
    loss: float
    seconds: float
    memory: int


def resumed_options(run: Path, given: dict[str, Any]) -> TrainOptions:
    """The options of a run (--resume), with those given now on top.

    Raises:
        UsageError: There is no such run, or a value is out of range.
    """
    before = read_options(RunFolder(run))
    options = replace(before, **given)
    if options.epochs < before.epochs:
        raise UsageError(
            f"--epochs {options.epochs} is fewer than the {before.epochs} of {run}; give more to"
            " extend it"
        )
    return options


def run_training(
    options: TrainOptions, place: Place, observer: TrainingObserver, stop: StopSignals
) -> Outcome:
    """Train, or go on training, to the last epoch.

    Raises:
        LrcnError: It can't be done; the message says why and what helps.
        Stopped: It was asked to stop, and has saved what it had done.
    """
    with _prepared(options) as (data, ranks, processor):
        trained_on = data.trained_on()
        for sentence in data.warnings():
            observer.warn(sentence)
        # before there is a folder, so that values that make no net leave none behind
        train_step = _train_step(options, data, processor, ranks)
        folder = RunFolder(place.out or RUNS / run_name(options, trained_on))
        if options.init and (place.fresh or not folder.has_checkpoint()):
            _begin_with(train_step, options.init, observer)
        with ExitStack() as held:
            if ranks.first:
                held.enter_context(_locked(folder))
                _open_folder(folder, options, trained_on, processor, data, fresh=place.fresh)
            ranks.wait()
            training = Training(
                options,
                folder=folder,
                data=data,
                train_step=train_step,
                ranks=ranks,
                observer=observer,
                stop=stop,
            )
            trained = training.run()
            # the first process still writes when the others are done, and holds the connections
            ranks.wait()
        return Outcome(folder=folder.path, trained=trained, first=ranks.first)


def dry_run(options: TrainOptions, place: Place) -> DryRun:
    """Build everything, do one step, and write nothing.

    Raises:
        LrcnError: It can't be done; the message says why and what helps.
    """
    with _prepared(options) as (data, ranks, processor):
        folder = RunFolder(place.out or RUNS / run_name(options, data.trained_on()))
        if folder.exists() and not place.fresh:
            check_same(folder, options, data.trained_on())
        step = _train_step(options, data, processor, ranks)
        if options.init:
            begin_with(step.net, Path(options.init))
        layers = net_table(step.net)
        batches = data.train_batches(0, 0)
        group = [next(batches)]
        began = time.perf_counter()
        steps = data.steps_left(0)
        lr = learning_rate(options, epoch=0, step=0, steps=steps * options.epochs)
        figures = step.run(group, step=0, epoch=0, lr=lr).read()
        seconds = time.perf_counter() - began
        return DryRun(
            folder=str(folder.path),
            goes_on=folder.exists() and not place.fresh,
            layers=layers,
            flop=forward_flop(layers),
            flop_with_backward=training_flop(layers),
            clips=len(data.train),
            val_clips=len(data.val) if data.val else 0,
            steps_per_epoch=steps,
            steps=steps * options.epochs,
            processor=f"{_device_name(processor)}, {processor.precision}",
            workers=data.workers,
            loss=figures.mean_loss,
            seconds=seconds,
            memory=_memory(processor),
        )


@contextmanager
def _prepared(options: TrainOptions) -> Iterator[tuple[TrainData, Ranks, Processor]]:
    """Processor, processes and data, as options say."""
    ranks = ranks_from_environment()
    processor = choose_processor(options.device, options.amp, local_rank=ranks.local_rank)
    if not processor.is_cuda:
        keep_freed_memory()
        if "OMP_NUM_THREADS" not in os.environ:
            # not fewer where other processes read: sums depend on the number of threads
            torch.set_num_threads(usable_cores())
    with joined(ranks, processor.device), out_of_memory_remedy(options.batch_size):
        yield TrainData(options, ranks, processor), ranks, processor


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Make the folder, and let no other training into it.

    Raises:
        LrcnError: It can't be made, or another training is in it.
    """
    with ExitStack() as held:
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            held.enter_context(run_lock(folder.path))
        except OSError as error:
            raise UsageError(
                f"the run's folder {folder.path} can't be made or written to ({error.strerror});"
                " name another with --out"
            ) from error
        yield


def _open_folder(
    folder: RunFolder,
    options: TrainOptions,
    trained_on: TrainedOn,
    processor: Processor,
    data: TrainData,
    *,
    fresh: bool,
) -> None:
    """Begin a run in a folder, or go on with the one that is there."""
    folder.remove_leftovers()
    if fresh:
        folder.clear()
    if folder.exists():
        check_same(folder, options, trained_on)
        before = read_options(folder).epochs
        options = replace(options, epochs=max(before, options.epochs))
    environment = {
        "device": _device_name(processor),
        "precision": processor.precision,
        "threads": torch.get_num_threads(),
        "workers": data.workers,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    write_record(folder, options, trained_on, environment)


def _begin_with(train_step: TrainStep, run: str, observer: TrainingObserver) -> None:
    if not begin_with(train_step.net, Path(run)):
        observer.warn(f"{run} has other classes: the classifier begins as drawn at random")


def _train_step(
    options: TrainOptions, data: TrainData, processor: Processor, ranks: Ranks
) -> TrainStep:
    return TrainStep(
        options,
        classes=len(data.train.classes),
        mean=data.mean(),
        processor=processor,
        ranks=ranks,
    )


def _device_name(processor: Processor) -> str:
    if processor.is_cuda:
        return torch.cuda.get_device_name(processor.device)
    return f"CPU, {torch.get_num_threads()} threads"


def _memory(processor: Processor) -> int:
    if processor.is_cuda:
        return torch.cuda.max_memory_allocated(processor.device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
