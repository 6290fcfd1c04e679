"""Names from outside, made fit to print."""

from __future__ import annotations


def show(text: str) -> str:
    """Write a name so that it can be printed: control characters and stray bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
