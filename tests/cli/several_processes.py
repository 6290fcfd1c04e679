"""What tests of several processes that train together have in common."""

from __future__ import annotations

from typing import Any

import pytest

NET = """
[cnn]
name = "layers"
layers = [{ conv = 6, pool = 2 }, { global_pool = "mean" }]

[head]
name = "gru"
hidden = 5
"""
"""Without batch normalization, which sees each process's own clips."""


def same_figures(one: dict[str, Any], other: dict[str, Any], *, rel: float = 1e-6) -> None:
    """Figures have the same names and, but for rounding, the same values."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        expected = pytest.approx(value, rel=rel) if isinstance(value, float) else value
        assert other[name] == expected, name
