"""The net as torch.compile makes it faster (--compile)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError


def compiled(net: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    """A net as torch.compile makes it, with the same weights.

    Raises:
        UsageError: There is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UsageError(
            f"--compile needs a C++ compiler, and there is no {compiler}; install it,"
            " name another in the environment variable CXX, or leave --compile out"
        )
    return torch.compile(net)
