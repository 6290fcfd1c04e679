"""A small CNN, for small frames and for CPUs."""

from __future__ import annotations

from lrcn_model.nets.cnn_blocks import Block, BlockCnn
from lrcn_model.nets.net_config import NetConfig

_BLOCKS = tuple(
    Block(channels=channels, kernel=3, batch_norm=True, pool=True)
    for channels in (16, 24, 32, 32, 48)
)


def build(config: NetConfig) -> BlockCnn:
    """Build the small CNN, which gives 128 features, for frames of at least 32x32."""
    return BlockCnn(config, _BLOCKS, features=128)
