"""What `lstm` and `gru` make of their values: layers, directions and what they see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.both_ways import BothWays
from lrcn_model.nets.head_input import HeadWithDropout, head_on
from lrcn_model.nets.heads import RECURRENT_VALUES
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.stacked_head import StackedHead


def recurrent_head(
    config: NetConfig, features: int, layer: Callable[[int, int], nn.Module]
) -> nn.Module:
    """Build the head that a config asks for out of layers of one kind.

    Weights are drawn in the order in which torch's own layers of several draw theirs.

    Args:
        config: The net's config; its dropout is that between the layers, too.
        features: The number of features that the CNN gives for a frame.
        layer: Makes a layer, which is a causal head, given the number of values that it sees of a
            frame, and that of its units.

    Raises:
        UsageError: The head has an unknown value, or one that is out of range.
    """
    name = config.head.name
    values = config.head.filled(**RECURRENT_VALUES)
    hidden, count = (_whole(name, key, values[key]) for key in ("hidden", "layers"))
    both_ways, dropped = values["bidirectional"], values["input_dropout"]
    if isinstance(dropped, bool) or not isinstance(dropped, int | float) or not 0 <= dropped < 1:
        raise UsageError(
            f"the head {name} needs a number from 0 to below 1 as input_dropout, got {dropped!r}"
        )
    if not isinstance(both_ways, bool):
        raise UsageError(f"the head {name} needs true or false as bidirectional, got {both_ways!r}")

    def one(inputs: int) -> nn.Module:
        ahead = layer(inputs, hidden)
        return BothWays(ahead, layer(inputs, hidden)) if both_ways else ahead

    def all_layers(inputs: int) -> nn.Module:
        between = 2 * hidden if both_ways else hidden
        layers = [one(inputs), *(one(between) for _ in range(count - 1))]
        head = layers[0] if count == 1 else StackedHead(layers, config.dropout)
        return HeadWithDropout(head, dropped) if dropped else head

    return head_on(values["input"], features, all_layers)


def _whole(head: str, name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(
            f"the head {head} needs a whole number of at least 1 as {name}, got {value!r}; for no"
            " head use --head none"
        )
    return value
