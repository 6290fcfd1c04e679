"""The plots of a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrcn_model.pictures.plot import BLUE, RED, Plot, percent
from lrcn_model.searching.search_result import SearchResult, ranked
from lrcn_model.searching.search_space import Choices, Dimension, Space, label_of
from lrcn_model.searching.trial import TrialResult

_COLUMNS, _INCHES = 3, (3.6, 2.9)
"""Plots in a row, and the width and height of each in inches."""

_MOST_LETTERS = 14
"""The letters of a choice that fit below a plot."""


def draw_search(
    path: Path, result: SearchResult, space: Space, importances: Mapping[str, float]
) -> None:
    """Draw how the figure went from trial to trial, what matters, and a plot for each value.

    Args:
        path: The PNG to write.
        result: What the search has found.
        space: What was searched.
        importances: The share of each value in what makes trials good, as `SearchStudy` gives it;
            empty where there are too few trials to tell.

    Raises:
        LrcnError: The file can't be written.
    """
    count = 1 + bool(importances) + len(space)
    rows = -(-count // _COLUMNS)
    width, height = _INCHES
    columns = min(count, _COLUMNS)
    with Plot(width * columns, height * rows) as plot:
        plots = iter([plot.add(rows, columns, 1 + n) for n in range(count)])
        finished = ranked(result.trials)
        label = f"val {result.figure.replace('_', ' ')}"
        _draw_history(next(plots), finished, label)
        if importances:
            _draw_importances(next(plots), importances)
        for name, dimension in space.items():
            _draw_value(next(plots), finished, name, dimension, label)
        plot.write(path)


def _draw_history(axes: Any, finished: list[TrialResult], label: str) -> None:
    in_order = sorted(finished, key=lambda one: one.number)
    numbers = [one.number for one in in_order]
    figures = [one.outcome.figure or 0.0 for one in in_order]
    best = [max(figures[: n + 1]) for n in range(len(figures))]
    axes.plot(numbers, figures, ".", color=BLUE, alpha=0.6, label="trial")
    axes.step(numbers, best, where="post", color=RED, label="best so far")
    axes.set(xlabel="trial", ylabel=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="lower right")
    percent(axes.yaxis)


def _draw_importances(axes: Any, importances: Mapping[str, float]) -> None:
    names = sorted(importances, key=importances.__getitem__)
    axes.barh(names, [importances[name] for name in names], color=BLUE)
    axes.set(xlabel="importance (PED-ANOVA)")


def _draw_value(
    axes: Any, finished: list[TrialResult], name: str, dimension: Dimension, label: str
) -> None:
    figures = [one.outcome.figure or 0.0 for one in finished]
    look = {"s": 14, "alpha": 0.5, "color": BLUE}
    if isinstance(dimension, Choices):
        labels = list(dimension.by_label())
        places = [labels.index(label_of(one.values[name])) for one in finished]
        axes.scatter(places, figures, **look)
        axes.set_xticks(range(len(labels)), [_short(one) for one in labels], fontsize=8)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    else:
        axes.scatter([one.values[name] for one in finished], figures, **look)
        if dimension.log:
            axes.set_xscale("log")
            _without_minor_labels(axes.xaxis)
        axes.set_xlim(dimension.low, dimension.high)
    axes.set(xlabel=name, ylabel=label)
    percent(axes.yaxis)


def _short(label: Any) -> str:
    text = str(label)
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def _without_minor_labels(axis: Any) -> None:
    from matplotlib.ticker import NullFormatter

    axis.set_minor_formatter(NullFormatter())
