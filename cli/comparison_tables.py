"""The tables that `lrcn-eval` prints of two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .evaluation_tables import figures_of, interval_text, percent, print_figures

if TYPE_CHECKING:
    from lrcn_model.scoring.compare import Agreement, Comparison
    from lrcn_model.scoring.intervals import Interval

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
