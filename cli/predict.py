"""`lrcn-predict`: what a trained net says of video files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import LrcnError

from .common import debug_option, json_option, print_json, run
from .train import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.predicting.predict import Prediction


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, name="predict")
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.argument(
    "videos", metavar="VIDEO...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Classes to name."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where.")
@click.option(
    "--decoder",
    type=click.Choice(["av", "ffmpeg"]),
    default="av",
    show_default=True,
    help="Decode in process, or in ffmpeg processes.",
)
@json_option
@debug_option
@click.version_option(package_name="lrcn", message="%(package)s %(version)s")
def command(
    *,
    run_path: Path,
    videos: tuple[Path, ...],
    top: int,
    device: str,
    decoder: Any,
    as_json: bool,
) -> None:
    """Say what VIDEOs show, with the net of RUN; nothing else is needed.

    Frames are taken as in training: at the run's frames a second, the middle one of each of as
    many blocks as a clip has frames. A video that can't be read is reported; the others are
    still predicted, and the exit code is 1.
    """
    prepare_torch()
    from lrcn_model.predicting.predict import predict_videos
    from lrcn_model.processor import choose_processor
    from lrcn_model.scoring.weights import load_run

    trained = load_run(run_path, choose_processor(device, "off"))
    predictions = list(predict_videos(trained, videos, top=top, decoder=decoder))
    if as_json:
        print_json([asdict(prediction) for prediction in predictions])
    else:
        _print_predictions(predictions)
    unread = sum(prediction.error is not None for prediction in predictions)
    if unread:
        raise LrcnError(f"{unread} of {len(predictions)} videos could not be read")


def _print_predictions(predictions: list[Prediction]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    table.add_column("video", overflow="fold")
    table.add_column("class")
    table.add_column("probability", justify="right")
    for prediction in predictions:
        name = escape(prediction.video)
        if prediction.error is not None:
            table.add_row(name, f"[red]{escape(prediction.error)}[/]", "")
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
