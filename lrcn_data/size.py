"""Sizes of frames, and how they are written on command lines and in TOML files."""

from __future__ import annotations

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
