"""The weights that layers begin with where nobody trained them before."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def kaiming(module: nn.Module) -> None:
    """Draw a convolution's or a linear layer's weights anew, and set its biases to 0.

    He et al., "Delving Deep into Rectifiers" (2015). Other layers stay as they are, so that
    `module.apply(kaiming)` does it for all that a module consists of.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
