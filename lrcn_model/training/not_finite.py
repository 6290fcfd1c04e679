"""Losses and weights that are no finite numbers: how they are found, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_data.printable import first_few

_NAMED_KEYS = 8
"""At most so many clips of a step are named."""


class NotFiniteError(LrcnError):
    """A loss or weights that are no finite numbers: the training has diverged."""


def all_finite(state: Any) -> bool:
    """Whether every number in every tensor is finite, in dicts and lists within each other."""
    return all(bool(torch.isfinite(value).all()) for value in _tensors(state))


def loss_not_finite(
    step: int, loss: float, keys: tuple[str, ...], *, keys_before: tuple[str, ...]
) -> NotFiniteError:
    """The error of a step whose loss is no finite number.

    Args:
        step: The number of the step, from 1.
        loss: The loss of the step.
        keys: The names of the step's clips.
        keys_before: The names of the clips of the step before, whose update may be the cause.
    """
    return _error(f"the loss of step {step} is {loss}", keys, keys_before)


def weights_not_finite(step: int, keys: tuple[str, ...]) -> NotFiniteError:
    """The error of a training whose weights or optimizer hold what is no finite number.

    Args:
        step: The number of steps done.
        keys: The names of the last step's clips.
    """
    return _error(f"the weights or the optimizer's state are no numbers after step {step}", keys)


def _error(what: str, keys: tuple[str, ...], keys_before: tuple[str, ...] = ()) -> NotFiniteError:
    blamed = f"clips {_named(keys)}"
    if keys_before:
        blamed += f"; or of the step before: {_named(keys_before)}"
    return NotFiniteError(
        f"{what} ({blamed}); nothing of it was saved: try a smaller --lr, --clip-grad 1"
        " or --amp off, and look at the clips with `lrcn-data preview`"
    )


def _named(keys: tuple[str, ...]) -> str:
    return first_few(keys, _NAMED_KEYS)


def _tensors(state: Any) -> Iterator[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict | list | tuple):
        for value in state.values() if isinstance(state, dict) else state:
            yield from _tensors(value)
