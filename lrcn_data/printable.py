"""Names from outside, made fit to print."""

from __future__ import annotations


def show(text: str) -> str:
    """A name as it can be printed: control characters and stray bytes escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
