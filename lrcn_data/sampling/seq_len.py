"""How many frames a clip has (--seq-len): a number, or all that a video has, up to a bound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.format.recipe import MAX, WHOLE, given_seq_len
from lrcn_data.sampling.short_videos import SHORT

BOUND = 64
"""The most frames that `max` takes where it has no other bound; 12.8 s at 5 frames a second."""

SHORT_RULES = tuple(name for name in SHORT if name != WHOLE)
"""What --short can say; with `max` no video is too short for a clip."""

_MAX = re.compile(rf"{MAX}(?::(\d{{1,9}}))?", re.ASCII)


def read_seq_len(value: int | str, short: str) -> tuple[int, str]:
    """Read how many frames a clip has, and what becomes of shorter videos.

    Args:
        value: The number of frames; or `max`, or `max:32`, for all that a video has, up to a bound.
        short: The name of what is done with videos of fewer frames, among `SHORT_RULES`.

    Returns:
        The number of frames, or the bound; and the name of what is done with shorter videos, among
        `short_videos.SHORT`.

    Raises:
        UsageError: The value is neither, or a rule for short videos is given with `max`.
    """
    if isinstance(value, int):
        return value, short
    match = _MAX.fullmatch(str(value))
    if match is None:
        raise UsageError(
            f"--seq-len must be a number of frames, {MAX} or {MAX}:{BOUND}, got {value!r:.60}"
        )
    if short != SHORT_RULES[0]:
        raise UsageError(
            f"--short {short} is for videos of too few frames, and with --seq-len {value} none has;"
            " leave it out, or give --seq-len a number"
        )
    return int(match[1] or BOUND), WHOLE


def as_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """A data set's options with the length of clips as --seq-len and --short have given it."""
    if options.get("short") != WHOLE:
        return dict(options)
    return {
        **options,
        "seq_len": given_seq_len(options["seq_len"], WHOLE),
        "short": SHORT_RULES[0],
    }
