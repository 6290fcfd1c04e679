"""What updates the weights: Adam or SGD, and the moving average of the weights (--ema)."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lrcn_model.training.options import TrainOptions

_MOMENTUM = 0.9


def new_optimizer(options: TrainOptions, net: nn.Module) -> torch.optim.Optimizer:
    """The optimizer that --optimizer names, for the parameters that aren't frozen."""
    parameters = [value for value in net.parameters() if value.requires_grad]
    if options.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=options.lr,
            momentum=_MOMENTUM,
            weight_decay=options.weight_decay,
            fused=True,
        )
    return torch.optim.Adam(
        parameters, lr=options.lr, weight_decay=options.weight_decay, fused=True
    )


def moving_average(net: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a net's weights and running statistics, step by step.

    Its first update takes the net's own values.
    """
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(net, multi_avg_fn=average, use_buffers=True)
