"""The picture of a confusion matrix, drawn by matplotlib, which is imported only for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts, Typeface

_MOST_NUMBERED = 30
"""Classes up to which every cell has its number; of more, they would not fit."""

_MOST_NAMED = 150
"""Classes up to which the axes have their names."""

_INCHES_A_CLASS, _LEAST_INCHES, _MOST_INCHES = 0.35, 3.5, 14.0
"""The picture's side grows with the number of classes, within bounds; 100 pixels are an inch."""


def draw_confusion(
    path: Path, confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> str | None:
    """Draw a confusion matrix as a PNG: a cell is the darker, the more of its row's videos it has.

    Args:
        path: The file to write.
        confusion: The number of videos, by class (rows) and class recognized (columns).
        classes: The class names, by class number.

    Returns:
        A sentence about letters that no font has, and what helps; None where all could be written.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    from matplotlib.figure import Figure

    side = min(max(_LEAST_INCHES, _INCHES_A_CLASS * len(classes)), _MOST_INCHES)
    figure = Figure(figsize=(side + 1, side))
    fonts = Fonts()
    names = [fonts.letters(name) for name in classes]
    families = _families(piece.typeface for name in names for piece in fonts.pieces(name))
    _draw(figure.add_subplot(), np.array(confusion), ["".join(name) for name in names], families)
    try:
        figure.savefig(path, format="png", bbox_inches="tight")
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
    return fonts.remedy()


def _families(typefaces: Iterable[Typeface]) -> list[str]:
    """Make fonts known to matplotlib, and name them after its own, which comes first."""
    from matplotlib.font_manager import FontProperties, fontManager

    families = dict.fromkeys(["DejaVu Sans"])
    for typeface in dict.fromkeys(typefaces):
        # that of Pillow has nothing that matplotlib's own lacks
        if typeface.path is not None:
            fontManager.addfont(typeface.path)
            families[FontProperties(fname=typeface.path).get_name()] = None
    return list(families)


def _draw(axes: Any, counts: Any, classes: Sequence[str], families: Sequence[str]) -> None:
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import PercentFormatter

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # a root of the shares, so that a single confused video can be seen
    picture = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    axes.set(xlabel="class recognized", ylabel="class")
    places = range(len(classes))
    size = 9 if len(classes) <= _MOST_NUMBERED else 6
    look = {"fontsize": size, "fontfamily": families, "parse_math": False}
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
