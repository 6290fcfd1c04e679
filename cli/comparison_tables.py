"""The tables that `lrcn-eval` prints of several runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .evaluation_tables import figures_of, interval_text, percent, print_figures

if TYPE_CHECKING:
    from lrcn_model.figures.intervals import Interval
    from lrcn_model.scoring.compare import Agreement, Comparison
    from lrcn_model.scoring.summary import Summary

_NAMES = {
    "accuracy": "video accuracy",
    "mean_class_accuracy": "video accuracy, mean over classes",
    "mean_average_precision": "mean average precision (mAP)",
}
"""What the figures that are compared are called."""


def print_comparison(found: Comparison) -> None:
    """Print the figures of two evaluations side by side, and how far they differ."""
    first, second = found.first, found.second
    names = [f"A: {first.run}", f"B: {second.run}"]
    print_figures(
        {name: figures_of(e, _brief) for name, e in zip(names, (first, second), strict=True)},
        caption="in brackets: 95 % intervals",
    )
    if found.agreement is not None:
        _print_agreement(found.agreement)
    differences = {
        _NAMES[name]: _points(difference, found.intervals.get(name))
        for name, difference in found.differences.items()
    }
    if found.agreement is not None:
        differences["McNemar's exact test, p"] = f"{found.agreement.p_value:.3g}"
    print_figures({"A less B, in points": differences})


def print_summary(found: Summary) -> None:
    """Print the figure of each fold and of all of them."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    first = found.folds[0].evaluations[0]
    table = Table(title=f"{_NAMES[found.figure]}: {first.average}, {first.views.describe()}")
    table.title_justify = "left"
    table.add_column("fold", justify="right")
    table.add_column("run", overflow="fold")
    for name in ("videos", "figure", "mean of the fold"):
        table.add_column(name, justify="right")
    for number, fold in enumerate(found.folds, 1):
        number_shown, mean_shown = str(number), _with_deviation(fold.mean, fold.deviation)
        for evaluation, figure in zip(fold.evaluations, fold.figures, strict=True):
            facts = (escape(evaluation.run), f"{evaluation.result.videos:,}", percent(figure))
            table.add_row(number_shown, *facts, mean_shown)
            number_shown = mean_shown = ""
    Console().print(table)
    folds, pooled = len(found.folds), percent(found.pooled, found.interval)
    figures = {f"accuracy, {len(found.right):,} videos of all folds": pooled}
    if folds > 1:
        mean = _with_deviation(found.mean, found.deviation)
        figures = {f"mean over {folds} folds": mean, **figures}
    print_figures({"together": figures})


def _with_deviation(mean: float, deviation: float) -> str:
    """A mean of fractions with its standard deviation, where there is one."""
    shown = "" if math.isnan(deviation) else f", standard deviation {100 * deviation:.1f}"
    return percent(mean) + shown


def _brief(fraction: float, interval: Interval | None = None) -> str:
    """A fraction with its 95 % interval, in few letters."""
    ends = interval_text(interval)
    return f"{percent(fraction)} ({ends})" if ends else percent(fraction)


def _points(difference: float, interval: Interval | None) -> str:
    """A difference of fractions as points of percent, with its interval."""
    ends = interval_text(interval)
    shown = f"{100 * difference:+.1f}"
    return f"{shown} (95 % interval {ends})" if ends else shown


def _print_agreement(agreement: Agreement) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="videos that are recognized", title_justify="left")
    table.add_column("")
    table.add_column("by B", justify="right")
    table.add_column("not by B", justify="right")
    table.add_row("by A", f"{agreement.both:,}", f"{agreement.only_first:,}")
    table.add_row("not by A", f"{agreement.only_second:,}", f"{agreement.neither:,}")
    Console().print(table)
