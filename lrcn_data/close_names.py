"""The known name that an unknown one may stand for; by itself, since few commands need it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Ask whether the known name that is most like an unknown one was meant.

    Returns:
        The question; "" where none is like it.
    """
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]!r}?" if close else ""
