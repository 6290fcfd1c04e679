"""`lrcn-eval`: how right a trained net is on shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_model.processor_names import PRECISIONS
from lrcn_model.scoring.video_vote import VOTES

from .error_boundary import run as run_command
from .many_values import ManyValuesCommand
from .options import (
    FILE,
    HELP,
    PLACE,
    RUN,
    batch_size_option,
    debug_option,
    device_option,
    frame_kind_option,
    json_option,
    named_plugins,
    net_plugin_options,
    version_option,
    workers_option,
)
from .output import print_json, warn
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.scoring.evaluate import Evaluation
    from lrcn_model.scoring.scorer import Result
    from lrcn_model.scoring.set_scorer import SetResult

_MOST_SHOWN = 12
"""Classes up to which the confusion matrix is shown in the terminal."""

_MOST_PRECISIONS = 30
"""Classes up to which all average precisions are shown in the terminal."""


@click.command(
    cls=ManyValuesCommand,
    context_settings=HELP,
    name="eval",
    groups={
        "Scoring": ("shards", "average", "allow_other_sampling", "plugins", "cnn", "head"),
        "Results": ("csv_path", "confusion", "calibrate"),
        "Machine": ("device", "amp", "batch_size", "workers"),
    },
    examples=(
        "lrcn-eval runs/paper-1a2b3c4d --shards 'shards/test-*.tar'",
        "lrcn-eval runs/paper-1a2b3c4d --shards shards --csv scores.csv --confusion confusion.png",
        "lrcn-eval runs/paper-1a2b3c4d --shards 'shards/val-*.tar' --calibrate",
    ),
)
@click.argument("run_path", metavar="RUN", type=RUN)
@click.option(
    "--shards",
    type=PLACE,
    multiple=True,
    required=True,
    metavar="SHARD...",
    help="The shards to score: paths, globs, ranges, or a folder, which stands for its test split.",
)
@click.option(
    "--average",
    type=click.Choice(list(VOTES)),
    show_default="what the run was trained with",
    help="Which scores of a video's frames are averaged to recognize its class: logarithms of"
    " probabilities (of odds, where clips have several labels), probabilities, or logarithms of"
    " each clip's last frame.",
)
@batch_size_option("The number of clips that are scored at a time.")
@device_option
@click.option(
    "--amp",
    type=click.Choice(PRECISIONS),
    default="off",
    show_default=True,
    help="The number type of mixed precision; auto takes bf16 or fp16 on a GPU and off on a CPU.",
)
@workers_option(
    "The number of processes that read shards; with 0 the main process reads.",
    default="as many as suit the machine",
    least=0,
)
@click.option(
    "--csv",
    "csv_path",
    type=FILE,
    help="A CSV file to write every video's scores into.",
)
@click.option(
    "--confusion",
    type=FILE,
    help="A PNG file to draw the confusion matrix into.",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Fit the temperature of the run's probabilities to these shards, of which a folder stands"
    " for its val split, and keep it with the run. Trainings with --val-shards have done so.",
)
@click.option(
    "--allow-other-sampling",
    is_flag=True,
    help="Score clips that were sampled otherwise than those of the training: at another rate, with"
    " another sampling or stride.",
)
@frame_kind_option
@net_plugin_options
@json_option
@debug_option
@version_option
def command(
    *,
    run_path: str,
    shards: tuple[str, ...],
    average: Any,
    batch_size: int,
    device: str,
    amp: str,
    workers: int | None,
    csv_path: Path | None,
    confusion: Path | None,
    calibrate: bool,
    allow_other_sampling: bool,
    plugins: tuple[str, ...],
    cnn: str | None,
    head: str | None,
    as_json: bool,
) -> None:
    """Score the clips of shards with the net of RUN.

    Recognition: a video's class is the one with the highest mean score over all frames of all
    its clips, or over their last frames with --average last. Detection: a frame's class is the one
    with the highest score. Where clips have several labels, the videos are ranked by their mean
    scores for each class instead: the mean average precision (mAP), and the classes with a
    probability of at least a half.
    """
    prepare_torch(*(["matplotlib"] if confusion else []))
    from lrcn_data.errors import UsageError
    from lrcn_model.ranks import ranks_from_environment
    from lrcn_model.scoring.confusion_picture import draw_confusion
    from lrcn_model.scoring.evaluate import evaluate, write_csv
    from lrcn_model.scoring.label_kinds import json_result
    from lrcn_model.scoring.set_scorer import SetResult
    from lrcn_model.scoring.trained_run import load_run

    from .progress import CountProgress

    run = load_run(run_path, plugins=named_plugins(cnn, head), device=device, amp=amp)
    if confusion and run.facts.multi_label:
        raise UsageError(
            "--confusion draws videos by their one class, and those of this run have several; leave"
            " it out"
        )
    with CountProgress("clips", shown=ranks_from_environment().first) as progress:
        found = evaluate(
            run,
            shards,
            average=average,
            batch_size=batch_size,
            workers=workers,
            plugins=plugins,
            allow_other_sampling=allow_other_sampling,
            calibrate=calibrate,
            on_start=progress.start,
            on_clips=progress.advance,
        )
    if not found.first:
        return
    result, classes = found.result, found.classes
    if csv_path:
        write_csv(csv_path, found.videos, classes, found.probabilities())
    if confusion and not isinstance(result, SetResult):
        without_font = draw_confusion(confusion, result.confusion, classes)
        if without_font:
            warn(without_font)
    if found.differences:
        warn(
            f"the clips have {', '.join(found.differences)} in the training: the net sees other"
            " motion than it was trained on"
        )
    for sentence in _odd_shards(found, calibrate=calibrate):
        warn(sentence)
    if as_json:
        differences = {"differences": found.differences} if found.differences else {}
        print_json(
            {
                "run": run_path,
                **json_result(result),
                **differences,
                **({} if isinstance(result, SetResult) else _calibration(found)),
                "classes": classes,
            }
        )
        return
    if isinstance(result, SetResult):
        _print_set_result(result, run_path)
        _print_precisions(result, classes)
        return
    _print_result(result, _calibration_rows(found), run_path)
    if len(classes) <= _MOST_SHOWN:
        _print_confusion(result, classes)


def _odd_shards(found: Evaluation, *, calibrate: bool) -> list[str]:
    """What is wrong with the shards as those to calibrate on, or to report on after it."""
    others = sorted(set(found.splits.values()) - {"val"})
    if calibrate and others:
        return [
            f"the temperature was fitted on {' and '.join(others)} shards: what was trained on is"
            " recognized too surely, and what is calibrated on can't be reported on; use val shards"
        ]
    if not calibrate and found.calibrated_on:
        return [
            f"the run's temperature was fitted on {found.calibrated_on} of these"
            f" {len(found.splits)} shards: the calibrated figures say nothing of other videos"
        ]
    return []


def _calibration(found: Evaluation) -> dict[str, Any]:
    """How far the probabilities are what they say, for --json: before and after calibration."""
    report: dict[str, Any] = {**asdict(found.figures()), "calibrated": None}
    if found.calibration:
        report["calibrated"] = {
            "temperature": found.temperature,
            **asdict(found.figures(found.temperature)),
            "fitted_on": {
                "videos": found.calibration.videos,
                "shards": found.calibration.shards,
                "shards_scored_here": found.calibrated_on,
            },
        }
    return report


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


def main() -> None:
    """Entry point of `lrcn-eval`."""
    run_command(command, "lrcn-eval")


if __name__ == "__main__":
    main()
