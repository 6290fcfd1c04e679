"""The learning rate of every step: a function of the step and the options alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrcn_model.training.options import TrainOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Where in a training a step is.

    Attributes:
        epoch: The number of the epoch, from 0.
        step: The number of steps of the optimizer done before, over all epochs.
        steps: The number of steps of the whole training.
    """

    epoch: int
    step: int
    steps: int


def learning_rate(options: TrainOptions, *, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    It rises linearly over the first --warmup steps. Then it is what --lr-schedule says.

    Args:
        options: The training's options, of which those of the learning rate are used.
        epoch: The number of the epoch, from 0.
        step: The number of steps of the optimizer done before, over all epochs.
        steps: The number of steps of the whole training.
    """
    warm = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    moment = Moment(epoch=epoch, step=step, steps=steps)
    return SCHEDULES[options.lr_schedule](options, warm * options.lr, moment)


def _steps(options: TrainOptions, rate: float, moment: Moment) -> float:
    """The rate, multiplied by --lr-decay after every --lr-decay-every epochs."""
    return rate * options.lr_decay ** (moment.epoch // options.lr_decay_every)


def _cosine(options: TrainOptions, rate: float, moment: Moment) -> float:
    """Half a cosine wave, from --lr down to 0 after the last step.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), without
    restarts.
    """
    done = max(0, moment.step - options.warmup) / max(1, moment.steps - options.warmup)
    return rate * (1 + math.cos(math.pi * min(1.0, done))) / 2


def _constant(options: TrainOptions, rate: float, moment: Moment) -> float:
    """The rate as it is."""
    return rate


SCHEDULES: dict[str, Callable[[TrainOptions, float, Moment], float]] = {
    "step": _steps,
    "cosine": _cosine,
    "none": _constant,
}
"""The schedules by name, each a function.

It takes the options, the learning rate after warming up and the moment, and returns the learning
rate of that moment.
"""
