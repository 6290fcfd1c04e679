"""The table of the CNNs, each a function that builds one; `nets.cnn` says what a CNN is."""

from __future__ import annotations

from lrcn_data.plugins import Kinds
from lrcn_model.nets.cnn import CnnBuilder

CNNS: Kinds[CnnBuilder] = Kinds(
    what="CNN",
    option="--cnn",
    built_in={
        "paper": "lrcn_model.nets.cnn_paper:build",
        "small": "lrcn_model.nets.cnn_small:build",
    },
)
"""The CNNs by name, each a function that builds one."""
