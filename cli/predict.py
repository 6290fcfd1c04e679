"""`lrcn-predict`: what a trained net says of video files."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import LrcnError
from lrcn_data.sampling.samplings import SAMPLINGS
from lrcn_model.scoring.views import WHOLE

from .command import Command
from .error_boundary import run
from .options import (
    ANY_PATH,
    HELP,
    RUN,
    KindType,
    batch_size_option,
    crop_option,
    debug_option,
    decoder_option,
    device_option,
    frame_kind_option,
    json_option,
    max_hours_option,
    named_plugins,
    net_plugin_options,
    picture_rate_option,
    version_option,
    views_option,
)
from .output import print_json, warn
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.predicting.prediction import Prediction
    from lrcn_model.scoring.calibration import Calibration


@click.command(
    cls=Command,
    context_settings=HELP,
    name="predict",
    groups={
        "Predicting": (
            "top",
            "min_score",
            "views",
            "crop",
            "picture_rate",
            "max_hours",
            "plugins",
            "sampling",
            "cnn",
            "head",
        ),
        "Machine": ("device", "batch_size", "decoder"),
    },
    examples=(
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 'another clip.avi'",
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 --top 1 --json",
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 --min-score 0.8",
    ),
)
@click.argument("run_path", metavar="RUN", type=RUN)
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True, type=ANY_PATH)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="The number of classes to name for each video, the most probable first.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    metavar="P",
    default=0.0,
    show_default=True,
    help="The probability below which the most probable class is no answer: the video is none of"
    " the classes.",
)
@views_option
@crop_option
@picture_rate_option("Take folders of numbered pictures for videos of this many pictures a second.")
@max_hours_option
@click.option(
    "--sampling",
    type=KindType(SAMPLINGS),
    help="The plug-in that chose the frames of the training's clips, which is imported only if it"
    " is named here.",
)
@device_option
@batch_size_option("The number of a video's clips that are scored at a time.")
@decoder_option
@frame_kind_option
@net_plugin_options
@json_option
@debug_option
@version_option
def command(
    *,
    run_path: str,
    videos: tuple[Path, ...],
    top: int,
    min_score: float,
    views: str | None,
    crop: float | None,
    sampling: str | None,
    device: str,
    batch_size: int,
    decoder: Any,
    picture_rate: Fraction | None,
    max_hours: float,
    plugins: tuple[str, ...],
    cnn: str | None,
    head: str | None,
    as_json: bool,
) -> None:
    """Say what VIDEOs show, with the net of RUN; nothing else is needed.

    A video is sampled, resized and encoded as those of the training were: all windows are scored of
    a net that was trained on windows, and the middle frame of each block of one that was trained on
    blocks. A video that is too short for a clip is padded, or with --seq-len max taken as it is.
    One that can't be read is reported; the others are still predicted, and the exit code is 1.

    Probabilities are calibrated where the run is, by its training or by lrcn-eval, and clips are
    scored as a whole. They are shared out among the classes that the net knows: of a video that
    shows none of them, one may still be high.
    """
    prepare_torch()
    from lrcn_model.predicting.predict import predict_videos
    from lrcn_model.scoring.trained_run import load_run

    trained = load_run(run_path, plugins=named_plugins(cnn, head), device=device)
    predictions = list(
        predict_videos(
            trained,
            videos,
            top=top,
            min_score=min_score,
            views=views or WHOLE,
            crop=crop,
            batch_size=batch_size,
            decoder=decoder,
            picture_rate=picture_rate,
            max_hours=max_hours,
            plugins=[*plugins, *([sampling] if sampling else [])],
        )
    )
    if as_json:
        print_json([asdict(prediction) for prediction in predictions])
    else:
        _print_predictions(predictions, _describe(trained.facts.calibration, views or WHOLE))
    for prediction in predictions:
        if prediction.padded is not None:
            warn(
                f"{prediction.video} has {prediction.padded} of the {trained.facts.seq_len} frames"
                " of a clip; the last one is repeated"
            )
    unread = sum(prediction.error is not None for prediction in predictions)
    if unread:
        raise LrcnError(f"{unread} of {len(predictions)} videos could not be read")


def _describe(calibration: Calibration | None, views: str) -> str:
    """Say in words where the probabilities come from."""
    from lrcn_model.scoring.calibration import describe

    if calibration is None:
        return "probabilities are the net's own, mostly too high: the run isn't calibrated"
    if views != WHOLE:
        return (
            f"probabilities are the net's own: the run is calibrated, but not for --views {views}"
        )
    return f"probabilities are calibrated: {describe(calibration.temperature, calibration.videos)}"


def _print_predictions(predictions: list[Prediction], caption: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(caption=caption, caption_justify="left")
    table.add_column("video", overflow="fold")
    table.add_column("class")
    table.add_column("probability", justify="right")
    for prediction in predictions:
        name = escape(prediction.video)
        if prediction.error is not None:
            table.add_row(name, f"[red]{escape(prediction.error)}[/]", "")
        elif prediction.class_name is None:
            table.add_row(name, "[bold]none[/]", "")
            name = ""
        for guess in prediction.guesses:
            table.add_row(name, escape(guess.name), f"{guess.probability:.1%}")
            name = ""
        table.add_section()
    Console().print(table)


def main() -> None:
    """Entry point of `lrcn-predict`."""
    run(command, "lrcn-predict")


if __name__ == "__main__":
    main()
