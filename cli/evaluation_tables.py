"""The tables that `lrcn-eval` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrcn_model.scoring.evaluation import Evaluation
    from lrcn_model.scoring.scorer import Result
    from lrcn_model.scoring.set_scorer import SetResult

_MOST_SHOWN = 12
"""Classes up to which the confusion matrix is shown."""

_MOST_PRECISIONS = 30
"""Classes up to which all average precisions are shown."""


def print_evaluation(found: Evaluation, title: str) -> None:
    """Print all figures of an evaluation, and what there is to say of its classes.

    Args:
        found: The evaluation.
        title: What stands above its figures.
    """
    from lrcn_model.scoring.set_scorer import SetResult

    result, classes = found.result, found.classes
    if isinstance(result, SetResult):
        _print_set_result(result, title)
        _print_precisions(result, classes)
        return
    _print_result(result, _calibration_rows(found), title)
    if len(classes) <= _MOST_SHOWN:
        _print_confusion(result, classes)


def _calibration_rows(found: Evaluation) -> dict[str, str]:
    """How far the probabilities are what they say, for the table."""
    from lrcn_model.scoring.calibration import FEW

    def figures(temperature: float = 1.0) -> str:
        figures = found.figures(temperature)
        return f"{figures.nll:.4f}, {figures.ece:.2%}"

    rows = {"loss a video, calibration error": figures()}
    if found.calibration:
        rows["the same, calibrated"] = figures(found.temperature)
        videos = found.calibration.videos
        few = " (few)" if videos < FEW else ""
        rows["temperature, fitted on"] = f"{found.temperature:.3g}, {videos:,} videos{few}"
    return rows


def _print_result(result: Result, calibration: Mapping[str, str], title: str) -> None:
    _print_figures(
        title,
        {
            "recognition, top 1": f"{result.accuracy:.2%}",
            "recognition, top 5": None if result.top5 is None else f"{result.top5:.2%}",
            "recognition, mean over classes": f"{result.mean_class_accuracy:.2%}",
            "recognition, videos without a clip as wrong": f"{result.accuracy_skipped_wrong:.2%}",
            "detection (frames)": f"{result.frame_accuracy:.2%}",
            "loss a frame": f"{result.frame_loss:.4f}",
            **calibration,
            "videos scored": f"{result.videos:,}",
            "clips, frames with a class": f"{result.clips:,}, {result.frames:,}",
            "videos skipped as too short": f"{result.skipped:,}",
            "videos failed": f"{result.failed:,}",
        },
    )


def _print_set_result(result: SetResult, title: str) -> None:
    missed = result.mean_average_precision_skipped_missed
    _print_figures(
        title,
        {
            "mean average precision (mAP)": f"{result.mean_average_precision:.2%}",
            "mAP, videos without a clip as missed": f"{missed:.2%}",
            "recognized and true classes, overlap": f"{result.accuracy:.2%}",
            "F1, of all classes together": f"{result.micro_f1:.2%}",
            "F1, mean over classes": f"{result.macro_f1:.2%}",
            "loss a frame and class": f"{result.frame_loss:.4f}",
            "videos scored": f"{result.videos:,}",
            "clips, frames": f"{result.clips:,}, {result.frames:,}",
            "videos skipped as too short": f"{result.skipped:,}",
            "videos failed": f"{result.failed:,}",
        },
    )


def _print_figures(title: str, figures: Mapping[str, str | None]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title=title, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    for name, value in figures.items():
        if value is not None:
            table.add_row(name, value)
    Console().print(table)


def _print_precisions(result: SetResult, classes: list[str]) -> None:
    """The average precision of each class; of many classes the best and the worst ones."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = [number for number in range(len(classes)) if result.positives[number]]
    title = "average precision by class"
    if len(shown) > _MOST_PRECISIONS:
        half = _MOST_PRECISIONS // 2
        title += f": the {half} best and the {half} worst of {len(shown)}"
        shown.sort(key=lambda number: -result.average_precision[number])
        shown = [*shown[:half], *shown[-half:]]
    table = Table(title=title, title_justify="left")
    table.add_column("class")
    table.add_column("videos", justify="right")
    table.add_column("average precision", justify="right")
    for number in shown:
        precision = f"{result.average_precision[number]:.2%}"
        table.add_row(escape(classes[number]), f"{result.positives[number]:,}", precision)
    Console().print(table)


def _print_confusion(result: Result, classes: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="videos by class (rows) and class recognized", title_justify="left")
    table.add_column("")
    for number in range(len(classes)):
        table.add_column(str(number), justify="right")
    for number, row in enumerate(result.confusion):
        counts = [f"[bold]{n}[/]" if i == number else str(n) for i, n in enumerate(row)]
        table.add_row(f"{number} {classes[number]}".replace("[", r"\["), *counts)
    Console().print(table)
