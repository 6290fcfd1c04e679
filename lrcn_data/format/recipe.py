"""How clips were made from videos, by the options that a manifest or a run has recorded of it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

RECIPE = (
    *("fps", "seq_len", "sampling", "sampling_values", "stride", "clips", "short"),
    *("size", "quality", "frame_kind", "frame_values", "plugins"),
)
"""The options that say how clips are made from a video, which predicting like a training needs."""

WHOLE = "whole"
"""What `short` says where a video of fewer than seq_len frames gives a clip of all that it has, so
that clips differ in their number of frames (--seq-len max)."""

MAX = "max"
"""The text by which --seq-len asks for all frames of a video."""

EVEN_SAMPLINGS = ("blocks", "center")
"""The samplings whose clips have a frame of each of seq_len blocks of their video."""

_SAME_SPANS = {"blocks": "center"}
"""Samplings whose clips are of the same spans of a video as those of another one, but for draws."""


def recipe_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Take the recipe out of all options of a data set."""
    return {name: options[name] for name in RECIPE if name in options}


def given_seq_len(seq_len: int, short: str | None) -> str:
    """The value of --seq-len that has given clips their length.

    Args:
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        short: What is done with shorter videos, as a recipe has it.
    """
    return f"{MAX}:{seq_len}" if short == WHOLE else str(seq_len)


def sampling_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say in what the sampling of two recipes differs, so that a net sees other motion.

    Blocks and center are alike: both take a frame of each block. Older runs and data sets, which
    recorded less, are compared in what they have.

    Args:
        one: The recipe that is looked at.
        other: The recipe that it is compared with.

    Returns:
        A phrase for each difference, such as `--fps 25, not 5`.
    """
    found = []
    for name, read in (("fps", Fraction), ("sampling", _spans), ("stride", int)):
        was, now = other.get(name), one.get(name)
        if was is not None and now is not None and read(was) != read(now):
            found.append(f"--{name} {now}, not {was}")
    was, now = other.get("sampling_values") or {}, one.get("sampling_values") or {}
    if not found and was != now:
        found.append(f"sampled with {now or 'no values'}, not {was or 'none'}")
    return found


def _spans(sampling: str) -> str:
    return _SAME_SPANS.get(sampling, sampling)
