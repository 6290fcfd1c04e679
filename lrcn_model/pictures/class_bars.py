"""Bars of the figures of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrcn_model.figures.class_table import F1, ClassTable
from lrcn_model.pictures.class_colours import class_hex
from lrcn_model.pictures.plot import FAINT, INK, Plot, percent, shortened

_MOST_CLASSES = 120
"""Classes up to which each has its bar; of more, so many are shown, the worst and the best."""

_LEAST_CLASSES = 3
"""Classes that there is room for at least, as the scale takes some."""

_INCHES_A_CLASS, _INCHES_BESIDE, _WIDTH = 0.24, 1.1, 8.0

_LEGEND_BELOW = 0.25
"""Inches from the bars to the legend, which the scale's numbers take."""

_MARKERS = {"precision": "<", "recall": ">", "average precision": "d"}
"""What stands for the figures besides F1; a part of the picture's legend."""


def draw_class_bars(path: Path, table: ClassTable) -> str | None:
    """Draw a bar of F1 for each class in the class's colour, and its other figures as marks.

    Args:
        path: The PNG to write.
        table: The figures.

    Returns:
        A sentence about letters that no font has, and what helps; None where all could be written.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    numbers = table.worst_and_best(_MOST_CLASSES)
    with Plot(_WIDTH, _INCHES_BESIDE + _INCHES_A_CLASS * max(len(numbers), _LEAST_CLASSES)) as plot:
        _draw(plot, table, numbers)
        return plot.write(path)


def _draw(plot: Plot, table: ClassTable, numbers: Sequence[int]) -> None:
    from matplotlib.patches import Patch

    axes = plot.add()
    names, look = plot.lettering(
        f"{shortened(table.classes[number])} ({table.counts[number]:,})" for number in numbers
    )
    places = range(len(numbers))
    colours = [class_hex(number) for number in numbers]
    axes.barh(places, [table.figures[F1][n] for n in numbers], color=colours, height=0.7)
    legend: list[Any] = [Patch(color=FAINT, label=F1)]
    for name, marker in _MARKERS.items():
        if name in table.figures:
            values = [table.figures[name][number] for number in numbers]
            mark = {"color": INK, "markersize": 5, "markerfacecolor": "none"}
            legend += axes.plot(values, places, marker, label=name, **mark)
    axes.set_yticks(places, names, **look)
    axes.set(xlim=(0, 1.02), ylim=(len(numbers) - 0.4, -0.6))
    axes.set_title(f"{table.title(_MOST_CLASSES)} (in brackets: {table.things})")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    below = _LEGEND_BELOW / (_INCHES_A_CLASS * max(len(numbers), _LEAST_CLASSES))
    axes.legend(handles=legend, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -below))
    percent(axes.xaxis)
