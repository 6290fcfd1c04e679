"""The tables that `lrcn-eval` prints of several runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .evaluation_tables import figures_of, interval_text, percent, print_figures
from .output import print_table

if TYPE_CHECKING:
    from lrcn_model.figures.intervals import Interval
    from lrcn_model.scoring.compare import Agreement, Comparison
    from lrcn_model.scoring.fuse import Fusion
    from lrcn_model.scoring.summary import Summary

_NAMES = {
    "accuracy": "video accuracy",
    "mean_class_accuracy": "video accuracy, mean over classes",
    "mean_average_precision": "mean average precision (mAP)",
}
"""What the figures that are compared are called."""

_DIFFERENCES = (
    "together less each run, in points, on the videos that all have scored; in brackets: 95 %"
    " intervals"
)


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


def print_fusion(found: Fusion) -> None:
    """Print the figures of joined scores beside those of each run, and how far they differ."""
    letters = [chr(ord("A") + number) for number in range(len(found.parts))]
    parts = list(zip(letters, found.parts, found.weights, strict=True))
    columns = {"together": figures_of(found.fused, _brief)}
    columns |= {
        f"{letter}: {one.run}, {w:.3g}": figures_of(one, _brief) for letter, one, w in parts
    }
    print_figures(columns, caption="in brackets: 95 % intervals")
    differences = {
        f"less {letter}": _difference(compared)
        for letter, compared in zip(letters, found.comparisons, strict=True)
    }
    print_figures(differences, caption=_DIFFERENCES)


def _difference(compared: Comparison) -> dict[str, str | None]:
    """How far the first of two evaluations is from the second, by figure."""
    shown: dict[str, str | None] = {
        _NAMES[name]: _brief_points(difference, compared.intervals.get(name))
        for name, difference in compared.differences.items()
    }
    agreement = compared.agreement
    if agreement is not None:
        shown["recognized only together"] = f"{agreement.only_first:,}"
        shown["recognized only by the run"] = f"{agreement.only_second:,}"
        shown["McNemar's exact test, p"] = f"{agreement.p_value:.3g}"
    return shown


def print_summary(found: Summary) -> None:
    """Print the figure of each fold and of all of them."""
    from rich.markup import escape
    from rich.table import Table

    first = found.folds[0].evaluations[0]
    table = Table(title=f"{_NAMES[found.figure]}: {first.average}, {first.views.describe()}")
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
    print_table(table)
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


def _brief_points(difference: float, interval: Interval | None) -> str:
    """A difference of fractions as points of percent, with its interval, in few letters."""
    ends = interval_text(interval)
    shown = f"{100 * difference:+.1f}"
    return f"{shown} ({ends})" if ends else shown


def _points(difference: float, interval: Interval | None) -> str:
    """A difference of fractions as points of percent, with its interval."""
    ends = interval_text(interval)
    shown = f"{100 * difference:+.1f}"
    return f"{shown} (95 % interval {ends})" if ends else shown


def _print_agreement(agreement: Agreement) -> None:
    from rich.table import Table

    table = Table(title="videos that are recognized")
    table.add_column("")
    table.add_column("by B", justify="right")
    table.add_column("not by B", justify="right")
    table.add_row("by A", f"{agreement.both:,}", f"{agreement.only_first:,}")
    table.add_row("not by A", f"{agreement.only_second:,}", f"{agreement.neither:,}")
    print_table(table)
