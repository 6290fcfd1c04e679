"""The optimizers (--optimizer), a function for each; torch is imported when one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from lrcn_model.training.options import TrainOptions

_MOMENTUM = 0.9

_Maker: TypeAlias = "Callable[[list[dict[str, Any]], TrainOptions], Optimizer]"


def _adam(groups: list[dict[str, Any]], options: TrainOptions) -> Optimizer:
    from torch.optim import Adam

    return Adam(groups, lr=options.lr, weight_decay=options.weight_decay, fused=True)


def _adamw(groups: list[dict[str, Any]], options: TrainOptions) -> Optimizer:
    """Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019)."""
    from torch.optim import AdamW

    return AdamW(groups, lr=options.lr, weight_decay=options.weight_decay, fused=True)


def _sgd(groups: list[dict[str, Any]], options: TrainOptions) -> Optimizer:
    from torch.optim import SGD

    return SGD(
        groups,
        lr=options.lr,
        momentum=_MOMENTUM,
        weight_decay=options.weight_decay,
        fused=True,
    )


OPTIMIZERS: dict[str, _Maker] = {"adam": _adam, "adamw": _adamw, "sgd": _sgd}
"""The optimizers by name, each a function that makes one for groups of parameters."""
