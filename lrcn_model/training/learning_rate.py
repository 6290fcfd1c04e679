"""The learning rate of every step: a function of the step and the options alone."""

from __future__ import annotations

import math

from lrcn_model.training.options import TrainOptions


def learning_rate(options: TrainOptions, *, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    It rises linearly over the first --warmup steps. Then it is, with --lr-schedule

    - `step`: multiplied by --lr-decay after every --lr-decay-every epochs;
    - `cosine`: half a cosine wave, from --lr down to 0 after the last step (Loshchilov and Hutter,
      "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, without restarts);
    - `none`: --lr.

    Args:
        options: --lr, --lr-schedule and what goes with them.
        epoch: From 0.
        step: Steps of the optimizer done before, over all epochs.
        steps: Steps of the whole training.
    """
    warm = min(1.0, (step + 1) / options.warmup) if options.warmup else 1.0
    if options.lr_schedule == "step":
        return warm * options.lr * options.lr_decay ** (epoch // options.lr_decay_every)
    if options.lr_schedule == "cosine":
        done = max(0, step - options.warmup) / max(1, steps - options.warmup)
        return warm * options.lr * (1 + math.cos(math.pi * min(1.0, done))) / 2
    return warm * options.lr
