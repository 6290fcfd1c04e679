"""`lrcn-report`: a page that shows runs, in one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .command import Command
from .error_boundary import run
from .options import (
    FILE,
    HELP,
    RUN,
    debug_option,
    frame_kind_option,
    json_option,
    version_option,
)
from .output import print_json, print_result, warn
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.reporting.write_report import Report


MOST_CLIPS = 200


@click.command(
    cls=Command,
    context_settings=HELP,
    name="report",
    groups={"Page": ("out", "clips"), "Data": ("plugins",)},
    examples=(
        "lrcn-report runs/paper-1a2b3c4d",
        "lrcn-report runs/paper-1a2b3c4d runs/small-5e6f7a8b --out both.html",
        "lrcn-report runs/paper-1a2b3c4d/evaluations/test-log-probs-9f8e7d6c.json --clips 400",
    ),
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=RUN)
@click.option(
    "--out",
    type=FILE,
    show_default="report.html in the folder of the first RUN",
    help="The HTML file to write.",
)
@click.option(
    "--clips",
    type=click.IntRange(0),
    default=MOST_CLIPS,
    show_default=True,
    help="The largest number of clips that are shown with their frames: a few whose frames disagree"
    " most, the wrong ones, the surest first, then some of each class.",
)
@frame_kind_option
@json_option
@debug_option
@version_option
def command(
    *,
    runs: tuple[str, ...],
    out: Path | None,
    clips: int,
    plugins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a page that shows RUNs: one HTML file that needs no network, to open, send or keep.

    It has the curves, the figures of recognition and detection, the confusion matrix, whose cells
    open their clips with the scores of every frame, timelines where labels are in time, how far
    probabilities are what they say, and how each run came about. Several RUNs are compared.

    Nothing is scored: the newest evaluation is shown that lrcn-eval has kept of the weights that a
    RUN has now, or else what the training itself has found on its validation shards; the .json of
    another one may be named in place of the RUN. The page can be made while a training runs.
    """
    prepare_torch("scipy", "sklearn")
    report = make_report(runs, out, clips=clips, plugins=plugins)
    for note in report.notes:
        warn(note)
    if as_json:
        print_json({**asdict(report), "path": str(report.path)})
    else:
        print_result(describe(report))


def make_report(
    runs: tuple[str, ...],
    out: Path | None,
    *,
    clips: int = MOST_CLIPS,
    plugins: tuple[str, ...] = (),
) -> Report:
    """Write a page, and show how far it is."""
    from lrcn_model.reporting.write_report import write_report

    from .progress import CountProgress

    with CountProgress("clips") as progress:
        return write_report(
            runs,
            out,
            clips=clips,
            plugins=plugins,
            on_start=progress.start,
            on_clips=progress.advance,
        )


def describe(report: Report) -> str:
    """Say in words what a page holds."""
    shown = f"{len(report.runs)} run{'s' if len(report.runs) > 1 else ''}"
    if report.evaluated:
        clips = f"{report.clips} clips"
        if len(report.runs) == 1:
            shown += f", {clips}, {report.pictures} of them with pictures"
        else:
            shown += f", {clips}, with the frames of {report.pictures}"
    else:
        shown += ", not evaluated yet"
    return f"report: {report.path}, {shown}, {report.bytes / 1e6:.1f} MB"


def main() -> None:
    """Entry point of `lrcn-report`."""
    run(command, "lrcn-report")


if __name__ == "__main__":
    main()
