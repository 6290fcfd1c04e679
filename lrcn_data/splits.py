"""The parts of a data set: what is trained on, validated with and tested on."""

from __future__ import annotations

SPLITS = ("train", "val", "test")
"""The names of the splits, in the order in which they are listed everywhere."""
