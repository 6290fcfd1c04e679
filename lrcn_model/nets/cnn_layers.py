"""A CNN from a list of layers, as the built-in ones are, and as a TOML table can have one.

    [cnn]
    name = "layers"
    layers = [
        { conv = 32, kernel = 5, batch_norm = true, pool = 2 },
        { residual = [{ conv = 32, batch_norm = true }, { conv = 32, batch_norm = true }] },
        { depthwise = 3, stride = 2, batch_norm = true },
        { global_pool = "mean" },
        { fc = 128 },
    ]

`nets.layers` has the kinds of layers, with their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from lrcn_data.errors import UsageError
from lrcn_data.size import size_text
from lrcn_model.nets.first_weights import kaiming
from lrcn_model.nets.layer_values import Table
from lrcn_model.nets.layers import Built, NothingLeftError, Shape, build_layers
from lrcn_model.nets.net_config import NetConfig

_LARGEST = 1024
"""The width and height, in pixels, up to which the smallest possible frame is looked for."""


class LayersCnn(nn.Sequential):
    """Layers one after another; what the last one gives are the features.

    Args:
        config: The net's config, which says the frames' size and channels, and the dropout of the
            fully connected layers that don't say theirs.
        layers: The tables of the layers, in the order in which a frame goes through them.

    Attributes:
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: A table is wrong, or the frames are so small that nothing is left of them.
    """

    features: int

    def __init__(self, config: NetConfig, layers: Sequence[Table]) -> None:
        try:
            modules, given = _build(config, layers)
        except NothingLeftError:
            raise _too_small(config, layers) from None
        super().__init__(*modules, *([] if given.flat else [nn.Flatten()]))
        self.features = given.numbers

    def initialize(self) -> None:
        """Draw the first weights of all layers."""
        self.apply(kaiming)


def build(config: NetConfig) -> LayersCnn:
    """Build the CNN whose layers the table's value `layers` lists.

    Raises:
        UsageError: There are no layers, or a table is wrong.
    """
    layers = config.cnn.filled(layers=[])["layers"]
    if not isinstance(layers, list) or not layers:
        raise UsageError(
            f"--cnn layers needs a list of layers, got {layers!r}; write [cnn] layers = [...] in a"
            " TOML file, and name it with --config"
        )
    return LayersCnn(config, layers)


def _build(config: NetConfig, layers: Sequence[Table]) -> Built:
    width, height = config.size
    shape = Shape(channels=config.channels, width=width, height=height)
    return build_layers(layers, shape, dropout=config.dropout, where=f"--cnn {config.cnn.name}")


def _too_small(config: NetConfig, layers: Sequence[Table]) -> UsageError:
    """What is to be said of frames of which the layers leave nothing."""
    least = ""
    for side in range(1, _LARGEST):
        try:
            with torch.device("meta"):
                _build(replace(config, size=(side, side)), layers)
        except NothingLeftError:
            continue
        least = f" must be at least {side}x{side}"
        break
    return UsageError(
        f"--size{least or ' is too small'} for --cnn {config.cnn.name}, of whose layers nothing"
        f" would come otherwise, got {size_text(config.size)}"
    )
