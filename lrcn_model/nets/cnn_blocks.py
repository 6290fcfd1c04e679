"""CNNs that are a row of convolutions and a fully connected layer, as the built-in ones are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from lrcn_data.errors import UsageError
from lrcn_data.size import size_text
from lrcn_model.nets.first_weights import kaiming
from lrcn_model.nets.net_config import NetConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A convolution with "same" padding, ReLU, and what stands around it.

    Attributes:
        channels: The number of channels that the convolution gives.
        kernel: The width and height of the convolution's kernel.
        batch_norm: Whether the convolution's output is normalized over the batch.
        pool: Whether max pooling halves the width and height.
    """

    channels: int
    kernel: int
    batch_norm: bool
    pool: bool


class BlockCnn(nn.Sequential):
    """Blocks one after another, and a fully connected layer over all that they give.

    Args:
        config: The net's config, which says the frames' size and channels, and the dropout after
            the features.
        blocks: The blocks, in the order in which a frame goes through them.
        features: The number of units of the fully connected layer.

    Attributes:
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The frames are so small that the pools leave nothing of them, or the config
            has values of the CNN's own, of which these CNNs have none.
    """

    features: int

    def __init__(self, config: NetConfig, blocks: Sequence[Block], features: int) -> None:
        config.cnn.filled()
        _check_size(config, blocks)
        width, height = config.size
        layers: list[nn.Module] = []
        channels = config.channels
        for block in blocks:
            layers.append(nn.Conv2d(channels, block.channels, block.kernel, padding="same"))
            channels = block.channels
            if block.batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            if block.pool:
                # the paper pools after the ReLU, which gives the same numbers from four times as
                # many
                layers.append(nn.MaxPool2d(2))
                width, height = width // 2, height // 2
            layers.append(nn.ReLU(inplace=True))
        layers += [
            nn.Flatten(),
            nn.Linear(channels * height * width, features),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
        ]
        super().__init__(*layers)
        self.features = features

    def initialize(self) -> None:
        """Draw the first weights of all layers."""
        self.apply(kaiming)


def _check_size(config: NetConfig, blocks: Sequence[Block]) -> None:
    least = 2 ** sum(block.pool for block in blocks)
    if min(config.size) < least:
        raise UsageError(
            f"--size must be at least {least}x{least} for --cnn {config.cnn.name}, whose pools"
            f" halve it down to nothing otherwise, got {size_text(config.size)}"
        )
