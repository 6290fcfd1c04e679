"""The plots of a search, drawn by matplotlib, which is imported only for that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrcn_data.errors import LrcnError
from lrcn_model.searching.search_result import SearchResult, ranked
from lrcn_model.searching.search_space import Choices, Dimension, Space, label_of
from lrcn_model.searching.trial import TrialResult

_COLUMNS, _INCHES = 3, (3.6, 2.9)
"""Plots in a row, and the width and height of each; 100 pixels are an inch."""

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
    from matplotlib.figure import Figure

    count = 1 + bool(importances) + len(space)
    rows = -(-count // _COLUMNS)
    width, height = _INCHES
    picture = Figure(figsize=(width * min(count, _COLUMNS), height * rows), layout="constrained")
    plots = iter([picture.add_subplot(rows, min(count, _COLUMNS), 1 + n) for n in range(count)])
    finished = ranked(result.trials)
    label = f"val {result.figure.replace('_', ' ')}"
    _draw_history(next(plots), finished, label)
    if importances:
        _draw_importances(next(plots), importances)
    for name, dimension in space.items():
        _draw_value(next(plots), finished, name, dimension, label)
    try:
        picture.savefig(path, format="png", dpi=100)
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}") from error


def _draw_history(axes: Any, finished: list[TrialResult], label: str) -> None:
    in_order = sorted(finished, key=lambda one: one.number)
    numbers = [one.number for one in in_order]
    figures = [one.outcome.figure or 0.0 for one in in_order]
    best = [max(figures[: n + 1]) for n in range(len(figures))]
    axes.plot(numbers, figures, ".", color="tab:blue", alpha=0.6, label="trial")
    axes.step(numbers, best, where="post", color="tab:red", label="best so far")
    axes.set(xlabel="trial", ylabel=label)
    axes.legend(fontsize=7, loc="lower right")
    _percent(axes.yaxis)


def _draw_importances(axes: Any, importances: Mapping[str, float]) -> None:
    names = sorted(importances, key=importances.__getitem__)
    axes.barh(names, [importances[name] for name in names], color="tab:blue")
    axes.set(xlabel="importance (PED-ANOVA)")
    axes.tick_params(axis="y", labelsize=8)


def _draw_value(
    axes: Any, finished: list[TrialResult], name: str, dimension: Dimension, label: str
) -> None:
    figures = [one.outcome.figure or 0.0 for one in finished]
    look = {"s": 14, "alpha": 0.5, "color": "tab:blue"}
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
    _percent(axes.yaxis)


def _short(label: Any) -> str:
    text = str(label)
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def _without_minor_labels(axis: Any) -> None:
    from matplotlib.ticker import NullFormatter

    axis.set_minor_formatter(NullFormatter())


def _percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))
