"""The paper's CNN.

G. Thung and H. Jiang, "A Torch Library for Action Recognition and Detection Using CNNs and LSTMs".
"""

from __future__ import annotations

from lrcn_model.nets.cnn_blocks import Block, BlockCnn
from lrcn_model.nets.net_config import NetConfig

_BLOCKS = (
    Block(channels=64, kernel=7, batch_norm=True, pool=True),
    Block(channels=96, kernel=5, batch_norm=True, pool=True),
    Block(channels=128, kernel=3, batch_norm=False, pool=False),
    Block(channels=128, kernel=3, batch_norm=False, pool=False),
    Block(channels=196, kernel=3, batch_norm=False, pool=True),
)


def build(config: NetConfig) -> BlockCnn:
    """Build the paper's CNN, which gives 320 features, for frames of at least 8x8."""
    return BlockCnn(config, _BLOCKS, features=320)
