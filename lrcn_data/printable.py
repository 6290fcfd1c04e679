"""Names from outside, made fit to print."""

from __future__ import annotations

from collections.abc import Sequence


def show(text: str) -> str:
    """Write a name so that it can be printed: control characters and stray bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def first_few(names: Sequence[str], most: int) -> str:
    """Name the first few, and say how many more there are: `a, b and 3 more`.

    Args:
        names: Names that are fit to print.
        most: How many are named.
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def count_of(number: int, singular: str, plural: str = "") -> str:
    """Write a number with what it counts, whose plural ends in s where none is given."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
