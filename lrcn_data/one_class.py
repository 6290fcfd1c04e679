"""Refuses data of a single class, which most often is a folder or a list that was named wrongly."""

from __future__ import annotations

from collections.abc import Collection

from lrcn_data.errors import UsageError
from lrcn_data.printable import show


def refuse_one_class(classes: Collection[str], *, source: str, allowed: bool) -> None:
    """Refuse a single class, of which every answer of any net would be right.

    Args:
        classes: The names of the classes that have videos.
        source: What has these classes, for the message.
        allowed: Whether a single class is meant (--allow-one-class).

    Raises:
        UsageError: There is a single class, and it isn't allowed.
    """
    if len(classes) == 1 and not allowed:
        name = next(iter(classes))
        raise UsageError(
            f"{show(source)} has a single class, {show(name)}, of which every answer would be"
            " right; name what has all classes, or give --allow-one-class if one is meant"
        )
