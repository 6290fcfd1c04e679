"""The picture of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrcn_model.pictures.plot import Plot, percent, shortened

_MOST_NUMBERED = 30
"""Classes up to which every cell has its number; of more, they would not fit."""

_MOST_NAMED = 150
"""Classes up to which the axes have their names."""

_INCHES_A_CLASS, _LEAST_INCHES, _MOST_INCHES = 0.35, 3.5, 14.0
"""The side of the matrix grows with the number of classes, within bounds."""

_INCHES_A_LETTER = 0.075
"""The room that names take beside the matrix, by the letters of the longest one."""


def draw_confusion(
    path: Path,
    confusion: Sequence[Sequence[int]],
    classes: Sequence[str],
    *,
    things: str = "videos",
) -> str | None:
    """Draw a confusion matrix as a PNG: a cell is the darker, the more of its row's videos it has.

    Args:
        path: The file to write.
        confusion: The number of videos, by class (rows) and class recognized (columns).
        classes: The class names, by class number.
        things: What is counted, in the plural.

    Returns:
        A sentence about letters that no font has, and what helps; None where all could be written.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    count = len(classes)
    side = min(max(_LEAST_INCHES, _INCHES_A_CLASS * count), _MOST_INCHES)
    shown = [shortened(name) for name in classes] if count <= _MOST_NAMED else []
    room = _INCHES_A_LETTER * max((len(name) for name in shown), default=5) + 0.4
    with Plot(side + room + 1, side + room) as plot:
        _draw(plot, np.array(confusion).reshape(count, count), shown, things)
        return plot.write(path)


def _draw(plot: Plot, counts: Any, classes: Sequence[str], things: str) -> None:
    from matplotlib.colors import PowerNorm

    axes = plot.add()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # a root of the shares, so that a single confused video can be seen
    picture = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    axes.spines[:].set_visible(True)
    axes.set(xlabel="class recognized", ylabel="class")
    names, look = plot.lettering(classes)
    if names:
        size = 9 if len(names) <= _MOST_NUMBERED else 6
        axes.set_yticks(range(len(names)), names, fontsize=size, **look)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size, **look)
    legend = axes.figure.colorbar(picture, shrink=0.7, aspect=30, fraction=0.05)
    legend.set_label(f"share of the class's {things}")
    percent(legend.ax.yaxis)
    if len(counts) <= _MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.4 else "black"
                text = _short_count(count)
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def _short_count(count: int) -> str:
    """A count in at most four letters, as a cell has room for."""
    if count < 10_000:
        return str(count)
    return f"{count / 1e3:.0f}k" if count < 999_500 else f"{count / 1e6:.0f}M"
