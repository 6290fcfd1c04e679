"""The table of the heads, each a function that builds one; `nets.head` says what a head is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrcn_data.plugins import Kinds
from lrcn_model.nets.head import HeadBuilder

HEADS: Kinds[HeadBuilder] = Kinds(
    what="head",
    option="--head",
    built_in={
        "lstm": "lrcn_model.nets.head_lstm:build",
        "gru": "lrcn_model.nets.head_gru:build",
        "mean": "lrcn_model.nets.head_mean:build",
        "none": "lrcn_model.nets.head_none:build",
    },
)
"""The heads by name, each a function that builds one."""

RECURRENT_VALUES: Mapping[str, Any] = {
    "hidden": 256,
    "layers": 1,
    "bidirectional": False,
    "input": "features",
    "input_dropout": 0.0,
}
"""The values of an LSTM or a GRU, each with its default: units of a layer and direction; layers;
whether each layer follows the clip backwards as well; what it sees, of `head_input.INPUTS`; and the
probability with which dropout sets a value of that to 0."""

HEAD_VALUES: Mapping[str, Mapping[str, Any]] = {
    "lstm": RECURRENT_VALUES,
    "gru": RECURRENT_VALUES,
    "mean": {"input": "features"},
    "none": {},
}
"""The values that each built-in head knows, with their defaults."""
