"""CaffeNet, the CNN of Donahue et al., "Long-term Recurrent Convolutional Networks" (LRCN).

It is the net of Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural
Networks" (2012), with pooling before normalization, as Caffe's reference model has it
(bvlc_reference_caffenet). LRCN takes its features after the first fully connected layer or after
the second one, with a dropout of 0.9, from crops of 227x227.
"""

from __future__ import annotations

from lrcn_model.nets.cnn_layers import LayersCnn
from lrcn_model.nets.layer_values import Table
from lrcn_model.nets.net_config import NetConfig

_POOL: Table = {"pool": 3, "stride": 2}
_CONVOLUTIONS: tuple[Table, ...] = (
    {"conv": 96, "kernel": 11, "stride": 4, "padding": 0},
    _POOL,
    {"local_response_norm": 5},
    {"conv": 256, "kernel": 5, "groups": 2},
    _POOL,
    {"local_response_norm": 5},
    {"conv": 384},
    {"conv": 384, "groups": 2},
    {"conv": 256, "groups": 2},
    _POOL,
)
_FC: Table = {"fc": 4096, "dropout": 0.9}


def build_fc6(config: NetConfig) -> LayersCnn:
    """Build CaffeNet up to its first fully connected layer, which gives 4,096 features."""
    config.cnn.filled()
    return LayersCnn(config, (*_CONVOLUTIONS, _FC))


def build_fc7(config: NetConfig) -> LayersCnn:
    """Build CaffeNet up to its second fully connected layer, which gives 4,096 features."""
    config.cnn.filled()
    return LayersCnn(config, (*_CONVOLUTIONS, _FC, _FC))
