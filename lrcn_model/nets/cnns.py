"""The table of the CNNs, each a function that builds one; `nets.cnn` says what a CNN is."""

from __future__ import annotations

from lrcn_data.plugins import Kinds
from lrcn_model.nets.cnn import CnnBuilder

CNNS: Kinds[CnnBuilder] = Kinds(
    what="CNN",
    option="--cnn",
    built_in={
        "paper": "lrcn_model.nets.cnn_paper:build",
        "paper-pooled": "lrcn_model.nets.cnn_paper:build_pooled",
        "small": "lrcn_model.nets.cnn_small:build",
        "caffenet-fc6": "lrcn_model.nets.cnn_caffenet:build_fc6",
        "caffenet-fc7": "lrcn_model.nets.cnn_caffenet:build_fc7",
        "lite0": "lrcn_model.nets.cnn_lite0:build",
        "layers": "lrcn_model.nets.cnn_layers:build",
    },
    families={
        "torchvision": "lrcn_model.nets.cnn_torchvision:build",
        "timm": "lrcn_model.nets.cnn_timm:build",
    },
)
"""The CNNs by name, each a function that builds one."""
