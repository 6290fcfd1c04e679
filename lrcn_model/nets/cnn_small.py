"""A small CNN, for small frames and for CPUs."""

from __future__ import annotations

from lrcn_model.nets.cnn_layers import LayersCnn
from lrcn_model.nets.layer_values import Table
from lrcn_model.nets.net_config import NetConfig

_LAYERS: tuple[Table, ...] = (
    *({"conv": channels, "batch_norm": True, "pool": 2} for channels in (16, 24, 32, 32, 48)),
    {"fc": 128},
)


def build(config: NetConfig) -> LayersCnn:
    """Build the small CNN, which gives 128 features, for frames of at least 32x32."""
    config.cnn.filled()
    return LayersCnn(config, _LAYERS)
