"""The tables that `lrcn-eval` prints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lrcn_data.storage.locations import split_location

from .output import print_table

if TYPE_CHECKING:
    from lrcn_model.figures.class_table import ClassTable
    from lrcn_model.figures.intervals import Interval
    from lrcn_model.scoring.evaluation import Evaluation
    from lrcn_model.scoring.scorer import Result
    from lrcn_model.scoring.set_scorer import SetResult

Shown: TypeAlias = "Callable[[float, Interval | None], str]"
"""A function that writes a fraction with its interval of confidence, where it has one."""

_MOST_CONFUSED = 12
"""Classes up to which the confusion matrix is shown."""

_PAIRS = 10
"""The pairs of confused classes that are shown where there are more classes."""

_MOST_CLASSES = 30
"""Classes up to which each has its line; of more, so many are shown, the worst and the best."""


def print_evaluation(found: Evaluation) -> None:
    """Print all figures of an evaluation, and what there is to say of its classes."""
    from lrcn_model.scoring.set_scorer import SetResult

    print_figures({found.run: figures_of(found, percent)}, caption=found.of_all_right)
    print_classes(found.class_table, found.files)
    if isinstance(found.result, SetResult):
        return
    if len(found.classes) <= _MOST_CONFUSED:
        _print_confusion(found.result, found.classes, found.files)
    else:
        _print_confused_pairs(found.result, found.classes)


def figures_of(found: Evaluation, shown: Shown) -> dict[str, str | None]:
    """All figures of an evaluation, by name; None for one that says nothing.

    Args:
        found: The evaluation.
        shown: How figures with an interval of confidence are written.
    """
    from lrcn_model.scoring.set_scorer import SetResult

    result = found.result
    if isinstance(result, SetResult):
        return _set_figures(found, result, shown)
    return _figures(found, result, shown)


def percent(fraction: float, interval: Interval | None = None) -> str:
    """A fraction as people read it, with its interval of confidence where it has one."""
    shown = "-" if math.isnan(fraction) else f"{100 * fraction:.1f} %"
    ends = interval_text(interval)
    return f"{shown} (95 % interval {ends})" if ends else shown


def interval_text(interval: Interval | None) -> str:
    """An interval of fractions as people read it; nothing where there is none."""
    if interval is None or math.isnan(interval.low):
        return ""
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _figures(found: Evaluation, result: Result, shown: Shown) -> dict[str, str | None]:
    """The figures of videos of one class."""
    intervals = found.intervals
    by_class = shown(result.mean_class_accuracy, intervals.get("mean_class_accuracy"))
    return {
        "video accuracy, top 1": shown(result.accuracy, intervals.get("accuracy")),
        "video accuracy, top 5": _if_any(result.top5),
        "video accuracy, mean over classes": by_class,
        "video accuracy, unscored as wrong": percent(result.accuracy_skipped_wrong),
        **(_of_clips(result) if result.clips else {}),
        **_calibration(found),
        **_counts(found, "frames with a class"),
    }


def _of_clips(result: Result) -> dict[str, str | None]:
    return {
        "clip accuracy, top 1": percent(result.clip_accuracy),
        "clip accuracy, top 5": _if_any(result.clip_top5),
        "frame accuracy (detection)": percent(result.frame_accuracy),
        "loss a frame": f"{result.frame_loss:.4f}",
    }


def _set_figures(found: Evaluation, result: SetResult, shown: Shown) -> dict[str, str | None]:
    """The figures of videos with sets of classes."""
    mean, intervals = result.mean_average_precision, found.intervals
    missed = result.mean_average_precision_skipped_missed
    of_clips = {"clip accuracy (overlap of classes)": percent(result.clip_accuracy)}
    of_frames = {"loss a frame and class": f"{result.frame_loss:.4f}"}
    return {
        "mean average precision (mAP)": shown(mean, intervals.get("mean_average_precision")),
        "mAP, unscored videos as missed": percent(missed),
        "video accuracy (overlap of classes)": shown(result.accuracy, intervals.get("accuracy")),
        **(of_clips if result.clips else {}),
        "F1, of all classes together": percent(result.micro_f1),
        "F1, mean over classes": percent(result.macro_f1),
        **(of_frames if result.clips else {}),
        **_counts(found, "frames"),
    }


def _if_any(fraction: float | None) -> str | None:
    return None if fraction is None else percent(fraction)


def _counts(found: Evaluation, frames: str) -> dict[str, str]:
    """What was scored, and what wasn't."""
    result, views = found.result, found.views
    of_clips = {
        "clips scored": f"{result.clips:,}",
        "views a clip": f"{len(views)} ({views.describe()})",
        frames: f"{result.frames:,}",
    }
    return {
        "videos scored": f"{result.videos:,}",
        **(of_clips if result.clips else {}),
        "averaged": found.average,
        "videos skipped as too short": f"{result.skipped:,}",
        "videos failed": f"{result.failed:,}",
    }


def _calibration(found: Evaluation) -> dict[str, str]:
    """How far the probabilities are what they say."""
    from lrcn_model.scoring.calibration import FEW

    def figures(temperature: float = 1.0) -> str:
        figures = found.figures(temperature)
        return f"{figures.nll:.4f}, {percent(figures.ece)}"

    rows = {"loss a video, calibration error": figures()}
    if found.calibration:
        rows["the same, calibrated"] = figures(found.temperature)
        videos = found.calibration.videos
        few = " (few)" if videos < FEW else ""
        rows["temperature, fitted on"] = f"{found.temperature:.3g}, {videos:,} videos{few}"
    return rows


def print_figures(
    columns: Mapping[str, Mapping[str, str | None]], *, caption: str | None = None
) -> None:
    """Print a table of figures, whose title is that of the only column, if there is one only.

    Args:
        columns: The figures by name, by the column's title; a name that no column has a value for
            is left out.
        caption: What stands below the table; None for nothing.
    """
    from rich.markup import escape
    from rich.table import Table

    names = [escape(name) for name in columns]
    title = names[0] if len(names) == 1 else None
    table = Table(show_header=title is None, title=title, caption=caption)
    table.add_column(style="bold")
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for name in dict.fromkeys(name for figures in columns.values() for name in figures):
        values = [figures.get(name) for figures in columns.values()]
        if any(value is not None for value in values):
            table.add_row(name, *(value or "" for value in values))
    print_table(table)


def print_classes(figures: ClassTable, files: Sequence[Path | str]) -> None:
    """Print the figures of each class; of many classes the worst and the best ones, by their F1.

    Args:
        figures: The figures of each class.
        files: What was written of the evaluation; one of them may have all classes.
    """
    from rich.markup import escape
    from rich.table import Table

    from lrcn_model.scoring.evaluation_files import PER_CLASS

    shown = figures.worst_and_best(_MOST_CLASSES)
    left_out = len(figures.with_figures()) - len(shown)
    caption = None
    if left_out:
        whole = _place_of(PER_CLASS, files)
        caption = f"{left_out:,} more classes are left out here; {escape(whole)} has all"
    table = Table(title=figures.title(_MOST_CLASSES), caption=caption)
    table.add_column("class")
    for name in (figures.things, *figures.figures):
        table.add_column(name, justify="right")
    for number in shown:
        fractions = [percent(column[number]) for column in figures.figures.values()]
        name, count = figures.classes[number], figures.counts[number]
        table.add_row(escape(name), f"{count:,}", *fractions)
    print_table(table)


def _place_of(name: str, files: Sequence[Path | str]) -> str:
    """The path or URL of a file, or else how all of it can be had."""
    places = map(str, files)
    return next((place for place in places if split_location(place)[1] == name), "--json")


def _print_confused_pairs(result: Result, classes: list[str]) -> None:
    """Print the most frequent of the pairs of classes that are confused, if there are any."""
    from rich.markup import escape
    from rich.table import Table

    from lrcn_model.figures.confused_pairs import most_confused

    pairs = most_confused(result.confusion)
    if not pairs:
        return
    table = Table(title=f"most confused: {min(_PAIRS, len(pairs))} of {len(pairs):,} pairs")
    for name in ("class", "recognized as"):
        table.add_column(name)
    for name in ("videos", "share of the class"):
        table.add_column(name, justify="right")
    for pair in pairs[:_PAIRS]:
        names = (escape(classes[number]) for number in (pair.label, pair.recognized))
        table.add_row(*names, f"{pair.times:,}", percent(pair.share))
    print_table(table)


def _print_confusion(result: Result, classes: list[str], files: Sequence[Path | str]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from lrcn_model.scoring.evaluation_files import CONFUSION

    table = Table(title="videos by class (rows) and class recognized")
    table.add_column("")
    for number in range(len(classes)):
        table.add_column(str(number), justify="right")
    for number, row in enumerate(result.confusion):
        counts = [f"[bold]{n}[/]" if i == number else str(n) for i, n in enumerate(row)]
        table.add_row(escape(f"{number} {classes[number]}"), *counts)
    picture = _place_of(CONFUSION, files)
    print_table(
        table,
        instead=f"the confusion matrix is wider than this terminal; {picture} has it",
    )
