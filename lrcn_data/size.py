"""Sizes of frames and of files, and how they are written on command lines and in TOML files."""

from __future__ import annotations

import re
from fractions import Fraction

from lrcn_data.errors import UsageError

Size = tuple[int, int]
"""(width, height) in pixels."""


def parse_size(text: str, source: str) -> Size:
    """Read a size that is written WIDTHxHEIGHT.

    Args:
        text: The text to read.
        source: Where the text stands, for the error message.

    Raises:
        UsageError: The text is no size.
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"{source}: {text!r} is no size; write WIDTHxHEIGHT, such as 216x216")
    return int(width), int(height)


def size_text(size: Size) -> str:
    """Write a size as WIDTHxHEIGHT."""
    return f"{size[0]}x{size[1]}"


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_UNITS |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
"""The bytes of a unit, without its b."""


def parse_bytes(text: str, source: str) -> int:
    """Read a number of bytes, perhaps with a unit: 1000000, 500MB, 256MiB.

    Args:
        text: The text.
        source: Where it comes from, for error messages.

    Raises:
        UsageError: It is no number of bytes.
    """
    match = re.fullmatch(r"([0-9.]+) *([a-zA-Z]*)", text)
    number, unit = match.groups() if match else ("", "")
    try:
        return int(Fraction(number) * _UNITS[unit.lower().removesuffix("b")])
    except (ValueError, KeyError) as error:
        raise UsageError(
            f"{source}: {text!r} is no size; write 500MB, 256MiB, or a number of bytes"
        ) from error
