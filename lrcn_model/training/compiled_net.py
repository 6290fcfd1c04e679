"""The net as torch.compile makes it faster (--compile)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from lrcn_data.errors import UsageError
from lrcn_model.nets.net import LRCN


def compiled(model: LRCN | DistributedDataParallel) -> Callable[[Tensor, Tensor], Tensor]:
    """A net as torch.compile makes it, with the same weights.

    Only the CNN is compiled: torch.compile does not take LSTMs, and dropout would draw other
    numbers.

    Args:
        model: The net, or the net as several processes train it together.

    Raises:
        UsageError: There is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UsageError(
            f"--compile needs a C++ compiler, and there is no {compiler}; install it,"
            " name another in the environment variable CXX, or leave --compile out"
        )
    net = cast(LRCN, model.module if isinstance(model, DistributedDataParallel) else model)
    # not as a decorator of the method: that would import the compiler with every net, in 1.2 s
    net.score_features = torch.compiler.disable(net.score_features)  # type: ignore[method-assign, no-untyped-call]
    return torch.compile(model)
