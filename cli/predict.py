"""`lrcn-predict`: what a trained net says of video files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import LrcnError
from lrcn_data.lists.named_videos import is_list
from lrcn_data.printable import show
from lrcn_data.reasons import Reason
from lrcn_data.sampling.samplings import SAMPLINGS
from lrcn_model.scoring.views import WHOLE

from .command import Command
from .error_boundary import run
from .options import (
    FILE,
    HELP,
    LOCATION,
    RUN,
    SOURCE,
    KindType,
    LocalPath,
    batch_size_option,
    crop_option,
    debug_option,
    decoder_option,
    device_option,
    frame_kind_option,
    json_option,
    log_option,
    max_hours_option,
    named_plugins,
    net_plugin_options,
    picture_rate_option,
    root_option,
    version_option,
    views_option,
)
from .output import print_result, say, warn
from .predict_live import live_options, watch_source
from .predict_outputs import CsvOutput, FileOfEachVideo, places, refuse_sources, write_all
from .predict_progress import VideosProgress, clock
from .predict_serve import Address, serve_options, serve_page
from .predict_sources import find_sources
from .prediction_table import PredictionTable
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.predicting.prediction import Prediction
    from lrcn_model.predicting.run_to_predict import RunToPredict
    from lrcn_model.scoring.trained_run import RunFacts

_PROBABILITY = click.FloatRange(0, 1)

_FAR_APART = 5.0
"""Seconds between the frames of a clip from which on a video is said to be long for one clip."""


@click.command(
    cls=Command,
    context_settings=HELP,
    name="predict",
    groups={
        "Videos": ("root", "picture_rate", "max_hours"),
        "Predicting": ("top", "min_score", "views", "crop", "span"),
        "In time": ("timeline", "min_length", "enter", "leave"),
        "Live": ("live", "patience", "reconnects"),
        "Files": ("csv_path", "vtt", "render", "strip"),
        "Local page": ("serve", "address", "max_size", "max_seconds", "browser"),
        "Plug-ins": ("plugins", "sampling", "cnn", "head"),
        "Machine": ("device", "batch_size", "decoder"),
    },
    examples=(
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 'another clip.avi'",
        "lrcn-predict runs/paper-1a2b3c4d videos 'more/**/*.mp4' test.txt --csv segments.csv",
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 --top 1 --json",
        "lrcn-predict runs/paper-1a2b3c4d clip.mp4 --min-score 0.8",
        "lrcn-predict runs/paper-1a2b3c4d match.mp4 --timeline --min-length 1 --vtt match.vtt",
        "lrcn-predict runs/paper-1a2b3c4d match.mp4 --timeline --enter 0.8 --leave 0.5",
        "lrcn-predict runs/paper-1a2b3c4d match.mp4 --render shown.mp4 --strip strip.png",
        "curl https://example.org/clip.mp4 | lrcn-predict runs/paper-1a2b3c4d -",
        "lrcn-predict runs/paper-1a2b3c4d --live /dev/video0",
        "lrcn-predict runs/paper-1a2b3c4d --live rtsp://camera/stream --json",
        "lrcn-predict runs/paper-1a2b3c4d --serve",
    ),
)
@click.argument("run_path", metavar="RUN", type=RUN)
@click.argument("sources", metavar="SOURCE...", nargs=-1, type=SOURCE)
@root_option("The folder or URL that paths in lists are relative to.", kind=LOCATION)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="The number of classes to name for each video, the most probable first.",
)
@click.option(
    "--min-score",
    type=_PROBABILITY,
    metavar="P",
    default=0.0,
    show_default=True,
    help="The probability below which the most probable class is no answer: the video is none of"
    " the classes.",
)
@click.option(
    "--timeline",
    is_flag=True,
    help="Say what a video shows when: its segments, and with --json the class of every frame at"
    " the run's frame rate.",
)
@click.option(
    "--min-length",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=0.0,
    show_default=True,
    help="The time that a segment lasts at least; what is shorter belongs to the one before it.",
)
@click.option(
    "--enter",
    type=_PROBABILITY,
    metavar="P",
    show_default="that of the most probable class, whatever it is",
    help="The probability from which on a class begins a segment; between segments is none.",
)
@click.option(
    "--leave",
    type=_PROBABILITY,
    metavar="P",
    show_default="as --enter",
    help="The probability below which a segment ends that has begun by --enter.",
)
@click.option(
    "--span",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    show_default="the median length of the videos trained on",
    help="The length of the spans that long videos are cut into, for nets whose clips were drawn"
    " from whole videos.",
)
@click.option(
    "--csv",
    "csv_path",
    type=FILE,
    help="Write the segments of all videos to a CSV file, a list as `lrcn-data shard` reads it.",
)
@click.option(
    "--vtt",
    type=LocalPath(),
    help="Write the segments as WebVTT for players; of several videos into this folder.",
)
@click.option(
    "--render",
    type=LocalPath(),
    help="Write a copy of the video with classes and a bar of its segments burnt in; of several"
    " videos into this folder.",
)
@click.option(
    "--strip",
    type=LocalPath(),
    help="Write a picture of some frames over the segments as a coloured band; of several videos"
    " into this folder.",
)
@live_options
@serve_options
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
@batch_size_option("The number of clips that are scored at a time, of one video or of several.")
@decoder_option
@frame_kind_option
@net_plugin_options
@json_option
@log_option
@debug_option
@version_option
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    run_path: str,
    sources: tuple[str, ...],
    root: str,
    live: str | None,
    sampling: str | None,
    device: str,
    picture_rate: Fraction | None,
    plugins: tuple[str, ...],
    cnn: str | None,
    head: str | None,
    csv_path: Path | None,
    vtt: Path | None,
    render: Path | None,
    strip: Path | None,
    as_json: bool,
    views: str | None,
    patience: float,
    reconnects: int,
    serve: bool,
    address: Address,
    max_size: int,
    max_seconds: float,
    browser: bool,
    **values: Any,
) -> None:
    """Say what videos show, with the net of RUN; nothing else is needed.

    SOURCE is a video, a folder of videos, a pattern, a list of videos, the URL of one of these, a
    folder of numbered pictures, or - for a video that is piped in. Rows appear as videos are done.
    One that can't be read is reported; the others are still predicted, and the exit code is 1.

    A video is sampled, resized and encoded as those of the training were: all windows are scored of
    a net that was trained on windows, and the middle frame of each block of one that was trained on
    blocks. A video that is too short for a clip is padded, or with --seq-len max taken as it is. Of
    blocks, one that is longer than all that were trained on is cut into spans of their median
    length, which overlap by half.

    Probabilities are calibrated where the run is, by its training or by lrcn-eval, and clips are
    scored as a whole. They are shared out among the classes that the net knows: of a video that
    shows none of them, one may still be high. Those of segments are the net's own.

    With --json a line is printed for each video.

    With --live each frame is scored as soon as it is there, by nets that need none to come. A table
    rolls on a terminal; a pipe gets a line when the class changes, or with --json a line for each
    frame, for each segment that has ended, and for the summary at the end. Where the net is slower
    than the source, the oldest waiting frames are dropped, and counted.
    """
    if serve:
        serve_page(context, named_plugins(cnn, head))
    if live is not None:
        watch_source(context, named_plugins(cnn, head))
        return
    if not sources:
        raise click.MissingParameter(ctx=context, param_hint="'SOURCE...'", param_type="argument")
    in_time = values["timeline"] or any((csv_path, vtt, render, strip))
    if values["min_score"] and in_time and values["enter"] is None:
        say("--min-score decides about videos as a whole; --enter about segments and their files")
    prepare_torch()
    from lrcn_model.predicting.exported_run import load_to_predict
    from lrcn_model.predicting.predict import predict_videos

    with find_sources(sources, root=root, pictures=picture_rate is not None) as found:
        trained = load_to_predict(run_path, plugins=named_plugins(cnn, head), device=device)
        kinds = _kinds(trained, vtt, render, strip, picture_rate, **values)
        names = [found.name(path) for path in found.paths]
        of_kinds = [places(kind, names) for kind in kinds]
        refuse_sources(kinds, of_kinds, csv_path, [*found.paths, *sources])
        table = PredictionTable(names, trained.facts.classes, timeline=values["timeline"])
        unread = missing = unwritten = 0
        with CsvOutput(csv_path) as csv_file, VideosProgress(len(names)) as progress:
            for note in found.notes:
                progress.say(note)
            predictions = predict_videos(
                trained,
                found.paths,
                views=views or WHOLE,
                picture_rate=picture_rate,
                plugins=[*plugins, *([sampling] if sampling else [])],
                on_progress=progress.within,
                **values,
            )
            for path, prediction in zip(found.paths, predictions, strict=True):
                shown = replace(prediction, video=found.name(path))
                unread += shown.error is not None
                missing += (shown.error or "").startswith(f"{Reason.MISSING}:")
                for line in _json_line(shown) if as_json else table.lines(shown):
                    progress.result(line)
                for line in _remarks(shown, trained, values["span"]):
                    progress.say(line)
                csv_file.add(shown)
                for problem in write_all(kinds, of_kinds, shown, path):
                    progress.say(f"warning: {problem}")
                    unwritten += 1
                progress.advance()
        if not as_json:
            for line in table.end():
                print_result(line)
            print_result(_describe(trained.facts, views or WHOLE, values["timeline"]))
    if unread:
        of_lists = missing == unread and any(map(is_list, sources))
        remedy = f"; paths in lists are relative to --root, now {root}" if of_lists else ""
        raise LrcnError(f"{unread} of {len(names)} videos could not be read{remedy}")
    if unwritten:
        raise LrcnError(f"{unwritten} files could not be written")


def _json_line(prediction: Prediction) -> Iterator[str]:
    yield json.dumps(asdict(prediction), ensure_ascii=False)


def _kinds(
    trained: RunToPredict,
    vtt: Path | None,
    render: Path | None,
    strip: Path | None,
    picture_rate: Fraction | None,
    *,
    decoder: str,
    max_hours: float,
    **_: Any,
) -> list[FileOfEachVideo]:
    """The kinds of files that are asked for of each video."""
    from lrcn_data.fonts import Fonts
    from lrcn_data.video.decoding import DecodeOptions
    from lrcn_data.video.fetched_video import fetched_video
    from lrcn_data.video.limits import Limits
    from lrcn_model.predicting.render_video import render_video
    from lrcn_model.predicting.segment_files import vtt_text
    from lrcn_model.predicting.strip_picture import draw_strip

    fonts = Fonts()
    told: set[str] = set()
    decode = DecodeOptions(picture_rate=picture_rate, limits=Limits.of_hours(max_hours))

    def write_vtt(prediction: Prediction, path: str, out: Path) -> None:
        out.write_text(vtt_text(prediction.segments), encoding="utf-8")

    def write_render(prediction: Prediction, path: str, out: Path) -> None:
        with fetched_video(path) as on_disk:
            render_video(
                prediction, out, path=on_disk, picture_rate=picture_rate, max_hours=max_hours
            )

    def write_strip(prediction: Prediction, path: str, out: Path) -> None:
        with fetched_video(path) as on_disk:
            draw_strip(
                prediction,
                out,
                path=on_disk,
                fps=trained.facts.fps,
                decoder=decoder,
                decode=decode,
                fonts=fonts,
            )
        if (remedy := fonts.remedy()) and remedy not in told:
            told.add(remedy)
            warn(remedy)

    asked = [
        ("--vtt", vtt, ".vtt", write_vtt),
        ("--render", render, ".mp4", write_render),
        ("--strip", strip, ".png", write_strip),
    ]
    return [
        FileOfEachVideo(option=option, place=place, ending=ending, write=write)
        for option, place, ending, write in asked
        if place is not None
    ]


def _remarks(prediction: Prediction, trained: RunToPredict, span: float | None) -> Iterator[str]:
    """What is odd about how a video was read, a line each."""
    name, facts = show(prediction.video), trained.facts
    if prediction.error is not None:
        yield f"warning: {name}: {prediction.error}"
    if prediction.padded is not None:
        yield (
            f"warning: {name} has {prediction.padded} of the {facts.seq_len} frames of a clip; the"
            " last one is repeated"
        )
    if prediction.span is not None:
        why = "as long as --span says"
        if span is None:
            why = "the median length of the videos trained on"
        if facts.labels_in_time:
            why = "as many frames as the net is shown at once"
        yield (
            f"{name} lasts {clock(prediction.duration)} and is scored in spans of"
            f" {prediction.span:g} s, {why}; they overlap by half"
        )
    apart = prediction.duration / facts.seq_len
    if prediction.clips == 1 and facts.video_seconds is None and apart > _FAR_APART:
        yield (
            f"warning: {name} is one clip, of frames {apart:.1f} s apart: the run doesn't say how"
            " long its videos were; --span SECONDS cuts long ones"
        )


def _describe(facts: RunFacts, views: str, timeline: bool) -> str:
    """Say in words where the probabilities come from."""
    from lrcn_model.scoring.calibration import describe

    calibration = facts.calibration
    if facts.labels_in_time:
        return "probabilities are the net's own, mostly too high"
    if calibration is None:
        return "probabilities are the net's own, mostly too high: the run isn't calibrated"
    if timeline:
        return "probabilities are the net's own: the run is calibrated, but not for single frames"
    if views != WHOLE:
        return (
            f"probabilities are the net's own: the run is calibrated, but not for --views {views}"
        )
    return f"probabilities are calibrated: {describe(calibration.temperature, calibration.videos)}"


def main() -> None:
    """Entry point of `lrcn-predict`."""
    run(command, "lrcn-predict")


if __name__ == "__main__":
    main()
