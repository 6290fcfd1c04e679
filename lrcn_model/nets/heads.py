"""The table of the heads, each a function that builds one; `nets.head` says what a head is."""

from __future__ import annotations

from lrcn_data.plugins import Kinds
from lrcn_model.nets.head import HeadBuilder

HEADS: Kinds[HeadBuilder] = Kinds(
    what="head",
    option="--head",
    built_in={
        "lstm": "lrcn_model.nets.head_lstm:build",
        "none": "lrcn_model.nets.head_none:build",
    },
)
"""The heads by name, each a function that builds one."""
