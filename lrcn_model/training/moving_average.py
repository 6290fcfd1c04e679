"""The moving average of the weights, which is scored and kept instead of them (--ema)."""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moving_average(net: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a net's weights and running statistics, step by step.

    Its first update takes the net's own values.
    """
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(net, multi_avg_fn=average, use_buffers=True)
