"""What a training would be (--dry-run): everything is built and one step is done, in memory."""

from __future__ import annotations

import resource
import time
from contextlib import closing
from dataclasses import dataclass

import torch

from lrcn_model.nets.layer_table import Layer, net_table
from lrcn_model.processor import Processor
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import CONFIG, RECORD
from lrcn_model.training.begin_with import begin_with
from lrcn_model.training.data import TrainData
from lrcn_model.training.learning_rate import learning_rate
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.preparation import prepared
from lrcn_model.training.pretrained import Pretrained
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.run_record import check_same
from lrcn_model.training.step import TrainStep


@dataclass(frozen=True, kw_only=True, slots=True)
class DryRun:
    """What a training would be.

    Attributes:
        folder: The run's folder.
        goes_on: Whether a run is there already, with which the training would go on.
        layers: The layers of the net.
        flop: The number of floating point operations for a frame, forward.
        flop_with_backward: The number of floating point operations for a frame, forward and
            backward; of frozen parts only what the others need.
        clips: The number of clips to train on.
        val_clips: The number of clips to validate with.
        steps_per_epoch: The number of steps of the optimizer in an epoch.
        steps: The number of steps of the optimizer in all.
        processor: The name of the processor that computes, and of its precision.
        workers: The number of processes that read shards.
        loss: The mean loss over the clips of the one step that was done.
        seconds: The time that this step took, in seconds.
        memory: The most memory that was used, in bytes: of the GPU, or of this process.
        pretrained: What became of the weights that --pretrained names; None without it.
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
    pretrained: Pretrained | None


def dry_run(options: TrainOptions, choice: RunChoice) -> DryRun:
    """Build everything, do one step, and write nothing.

    Raises:
        LrcnError: The training can't be done; the message says why and what helps.
    """
    with prepared(options, choice.plugins) as ready:
        data, processor = ready.data, ready.processor
        trained_on = data.trained_on()
        folder = choice.folder(options, trained_on)
        goes_on = folder.exists() and not choice.fresh
        if goes_on:
            with on_this_machine(folder, [CONFIG, RECORD]) as read:
                check_same(read, options, trained_on)
        with closing(ready.new_train_step()) as train_step:
            beginning = begin_with(train_step.net, options, data.train)
            table = net_table(train_step.net)
            steps = data.steps_left(0, 0)
            loss, seconds = _one_step(train_step, data, options, steps * options.epochs)
        return DryRun(
            folder=str(folder),
            goes_on=goes_on,
            layers=table.layers,
            flop=table.flop,
            flop_with_backward=table.flop_with_backward,
            clips=len(data.train_clips),
            val_clips=len(data.val_clips) if data.val_clips else 0,
            steps_per_epoch=steps,
            steps=steps * options.epochs,
            processor=f"{processor.name}, {processor.precision}",
            workers=data.workers,
            loss=loss,
            seconds=seconds,
            memory=_most_memory(processor),
            pretrained=beginning.pretrained,
        )


def _one_step(
    train_step: TrainStep, data: TrainData, options: TrainOptions, steps: int
) -> tuple[float, float]:
    """Do a step of a training of so many steps: its loss, and the seconds it took.

    It is the first one or, where clips differ in their number of frames, one of the longest clips,
    as no step takes more memory. Where a head's state is carried it is the first one all the same:
    only there do all windows begin their videos.
    """
    longest = data.train_clips.variable_length and not options.carry_state
    batches = data.longest_clips() if longest else data.train_batches(0, 0)
    with closing(batches):
        batch = next(batches)
        began = time.perf_counter()
        lr = learning_rate(options, epoch=0, step=0, steps=steps)
        figures = train_step.run([batch], step=0, epoch=0, lr=lr).read()
        return figures.mean_loss, time.perf_counter() - began


def _most_memory(processor: Processor) -> int:
    if processor.is_cuda:
        return torch.cuda.max_memory_allocated(processor.device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
