"""Figures as JSON has them, which knows no number that is none: null where nothing was counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_nan(value: Any) -> Any:
    """A value, or all values in lists, with nan for None."""
    if isinstance(value, list):
        return [with_nan(one) for one in value]
    return float("nan") if value is None else value


def without_nan(value: Any) -> Any:
    """A value, or all values in lists and objects, with None for a number that is none."""
    if isinstance(value, Mapping):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return None if value != value else value
