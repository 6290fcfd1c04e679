"""The picture of a confusion matrix, drawn by matplotlib, which is imported only for that."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrcn_data.errors import LrcnError

_MOST_NUMBERED = 30
"""Classes up to which every cell has its number; of more, they would not fit."""

_MOST_NAMED = 150
"""Classes up to which the axes have their names."""

_INCHES_A_CLASS, _LEAST_INCHES, _MOST_INCHES = 0.35, 3.5, 14.0
"""The picture's side grows with the number of classes, within bounds; 100 pixels are an inch."""


def draw_confusion(path: Path, confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> None:
    """Draw a confusion matrix as a PNG: a cell is the darker, the more of its row's videos it has.

    Args:
        path: The file to write.
        confusion: The number of videos, by class (rows) and class recognized (columns).
        classes: The class names, by class number.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    from matplotlib.figure import Figure

    side = min(max(_LEAST_INCHES, _INCHES_A_CLASS * len(classes)), _MOST_INCHES)
    figure = Figure(figsize=(side + 1, side))
    _draw(figure.add_subplot(), np.array(confusion), classes)
    try:
        with warnings.catch_warnings():
            # a name in a script that the font lacks is drawn as boxes
            warnings.filterwarnings("ignore", "Glyph", UserWarning)
            figure.savefig(path, format="png", bbox_inches="tight")
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error


def _draw(axes: Any, counts: Any, classes: Sequence[str]) -> None:
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import PercentFormatter

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # a root of the shares, so that a single confused video can be seen
    picture = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    axes.set(xlabel="class recognized", ylabel="class")
    places = range(len(classes))
    look = {"fontsize": 9 if len(classes) <= _MOST_NUMBERED else 6, "parse_math": False}
    if len(classes) <= _MOST_NAMED:
        axes.set_yticks(places, classes, **look)
        axes.set_xticks(places, classes, rotation=90, **look)
    axes.figure.colorbar(
        picture,
        label="share of the class's videos",
        format=PercentFormatter(1),
        shrink=0.6,
        aspect=30,
        fraction=0.05,
    )
    if len(classes) <= _MOST_NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.4 else "black"
                axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=8)
