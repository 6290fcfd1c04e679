"""The paper's CNN.

G. Thung and H. Jiang, "A Torch Library for Action Recognition and Detection Using CNNs and LSTMs".
"""

from __future__ import annotations

from lrcn_model.nets.cnn_layers import LayersCnn
from lrcn_model.nets.layer_values import Table
from lrcn_model.nets.net_config import NetConfig

_CONVOLUTIONS: tuple[Table, ...] = (
    {"conv": 64, "kernel": 7, "batch_norm": True, "pool": 2},
    {"conv": 96, "kernel": 5, "batch_norm": True, "pool": 2},
    {"conv": 128, "kernel": 3},
    {"conv": 128, "kernel": 3},
    {"conv": 196, "kernel": 3, "pool": 2},
)
_FC: Table = {"fc": 320}


def build(config: NetConfig) -> LayersCnn:
    """Build the paper's CNN, which gives 320 features, for frames of at least 8x8."""
    config.cnn.filled()
    return LayersCnn(config, (*_CONVOLUTIONS, _FC))


def build_pooled(config: NetConfig) -> LayersCnn:
    """Build it with the mean of every channel before its fully connected layer.

    At 216x216 that layer has 63,040 weights and biases then, instead of 45.7 million.
    """
    config.cnn.filled()
    return LayersCnn(config, (*_CONVOLUTIONS, {"global_pool": "mean"}, _FC))
