"""`lrcn-eval`: how right a trained net is on shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import UsageError
from lrcn_model.processor_names import PRECISIONS
from lrcn_model.scoring.video_vote import VOTES
from lrcn_model.scoring.views import WHOLE

from .error_boundary import run as run_command
from .evaluate_in_time import evaluate_in_time, other_sampling, show_in_time
from .evaluate_kept import fuse_kept, show_fusion, summarize_kept
from .many_values import ManyValuesCommand
from .options import (
    FILE,
    HELP,
    PLACE,
    RUN,
    batch_size_option,
    cache_options,
    crop_option,
    debug_option,
    device_option,
    frame_kind_option,
    json_option,
    log_option,
    named_plugins,
    net_plugin_options,
    pictures_option,
    version_option,
    views_option,
    workers_option,
)
from .output import print_files, print_json, print_result, warn
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.scoring.evaluation import Evaluation


@click.command(
    cls=ManyValuesCommand,
    context_settings=HELP,
    name="eval",
    groups={
        "Scoring": (
            *("shards", "average", "views", "crop"),
            *("allow_other_sampling", "plugins", "cnn", "head"),
        ),
        "Results": ("csv_path", "confusion", "pictures", "calibrate", "summary", "fuse"),
        "Labels in time": ("background", "alarm", "alarm_length"),
        "Machine": ("device", "amp", "batch_size", "workers", "cache_dir", "cache_size"),
    },
    examples=(
        "lrcn-eval runs/paper-1a2b3c4d --shards 'shards/test-*.tar'",
        "lrcn-eval runs/paper-1a2b3c4d --shards shards --csv scores.csv --confusion confusion.png",
        "lrcn-eval runs/paper-1a2b3c4d --shards 'shards/val-*.tar' --calibrate",
        "lrcn-eval runs/paper-1a2b3c4d runs/small-5e6f7a8b --shards 'shards/test-*.tar'",
        "lrcn-eval --summary runs/fold-1 runs/fold-2 runs/fold-3",
        "lrcn-eval --fuse runs/rgb:0.33 runs/flow:0.67",
        "lrcn-eval runs/falls --shards 'shards/test-*.tar' --alarm falling --alarm-length 0.3",
    ),
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=RUN)
@click.option(
    "--shards",
    type=PLACE,
    multiple=True,
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
@views_option
@crop_option
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
@cache_options
@click.option(
    "--csv",
    "csv_path",
    type=FILE,
    help="A CSV file to write every video's scores into; where labels are in time, the predicted"
    " segments.",
)
@click.option(
    "--confusion",
    type=FILE,
    help="A PNG file to draw the confusion matrix into.",
)
@pictures_option(
    "Make tables and pictures beside what is kept in the run's folder: a confusion matrix, figures"
    " of each class, right and wrong clips or timelines."
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Fit the temperature of the run's probabilities to these shards, of which a folder stands"
    " for its val split, and keep it with the run. Trainings with --val-shards have done so.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Score nothing: sum up the evaluations that are kept with RUNs, of folds, of seeds, or of"
    " both. Where a RUN has several, choose with --average and --views, or name the .json of one in"
    " its place.",
)
@click.option(
    "--fuse",
    is_flag=True,
    help="Score nothing: join the evaluations that are kept with RUNs, video by video, by the"
    " weighted mean of their probabilities. A RUN has its weight behind a colon (runs/rgb:0.33), or"
    " is given without one for a weight of 1; weights are divided by their sum. Where a RUN has"
    " several, choose as for --summary.",
)
@click.option(
    "--background",
    multiple=True,
    metavar="CLASS...",
    help="Where labels are in time, the classes that stand for nothing happening: they are left out"
    " of what is said of segments, and of the mean of average precisions.",
)
@click.option(
    "--alarm",
    metavar="CLASS",
    help="Where labels are in time, the class of which is said how soon it is noticed, and how"
    " often where it isn't.",
)
@click.option(
    "--alarm-length",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default="any",
    metavar="SECONDS",
    help="How long the class of --alarm has to be predicted for an alarm.",
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
@log_option
@debug_option
@version_option
def command(
    *,
    runs: tuple[str, ...],
    shards: tuple[str, ...],
    average: Any,
    views: str | None,
    crop: float | None,
    batch_size: int,
    device: str,
    amp: str,
    workers: int | None,
    cache_dir: Path | None,
    cache_size: int | None,
    csv_path: Path | None,
    confusion: Path | None,
    pictures: bool,
    calibrate: bool,
    summary: bool,
    fuse: bool,
    background: tuple[str, ...],
    alarm: str | None,
    alarm_length: float,
    allow_other_sampling: bool,
    plugins: tuple[str, ...],
    cnn: str | None,
    head: str | None,
    as_json: bool,
) -> None:
    """Score the clips of shards with the net of RUN; of two RUNs, say which is better.

    With --summary, sum up earlier evaluations of RUNs; with --fuse, join the scores of each video.

    Recognition: a video's class is the one with the highest mean score over all frames of all
    its clips, or over their last frames with --average last. Detection: a frame's class is the one
    with the highest score. Where clips have several labels, the videos are ranked by their mean
    scores for each class instead: the mean average precision (mAP), and the classes with a
    probability of at least a half.

    Where labels are in time, windows are joined to whole videos, each frame once; then come figures
    of frames, of segments, and of --alarm's class.

    Figures have 95 % intervals, by bootstrap over videos. All that is found is kept in the run's
    folder, in evaluations/. Two runs are compared on the same videos: how many only one of them
    recognizes, McNemar's exact test of these, and how far their figures differ.
    """
    given = {"--csv": csv_path, "--confusion": confusion, "--calibrate": calibrate}
    in_time = {"--background": background, "--alarm": alarm, "--alarm-length": alarm_length}
    if fuse:
        others = {"--summary": summary, "--shards": shards, "--calibrate": calibrate}
        _check_fuse({**others, **in_time})
    else:
        _check(runs, shards, _names_of(given), _names_of(in_time), summary=summary)
    prepare_torch("scipy", "sklearn", *(["matplotlib"] if confusion else []))
    from lrcn_model.ranks import ranks_from_environment

    first = ranks_from_environment().first
    if summary:
        if first:
            summarize_kept(runs, average=average, views=views, crop=crop, as_json=as_json)
        return
    if fuse:
        if first:
            joined = fuse_kept(runs, average=average, views=views, crop=crop)
            _write_files(joined.fused, csv_path, confusion)
            show_fusion(joined, as_json=as_json)
        return
    from lrcn_model.scoring.evaluate import EvaluateOptions, evaluate_runs
    from lrcn_model.scoring.trained_run import load_run
    from lrcn_model.scoring.views import Views

    from .progress import CountProgress

    nets = named_plugins(cnn, head)
    trained = [load_run(run, plugins=nets, device=device, amp=amp) for run in runs]
    for run in trained[1:]:
        if run.facts.labels_in_time != trained[0].facts.labels_in_time:
            raise UsageError(
                f"of {trained[0].name} and {run.name} one has labels in time and the other hasn't;"
                " compare runs of one kind"
            )
    if trained[0].facts.labels_in_time:
        of_clips = {"--average": average, "--confusion": confusion, "--calibrate": calibrate}
        _refuse_given(of_clips, kind="labels in time")
        found_in_time = evaluate_in_time(
            trained,
            shards,
            background=background,
            alarm=alarm,
            alarm_length=alarm_length,
            views=Views(name=views or WHOLE, crop=crop),
            batch_size=batch_size,
            workers=workers,
            cache_dir=cache_dir,
            cache_size=cache_size,
            plugins=plugins,
            allow_other_sampling=allow_other_sampling,
            pictures=pictures,
        )
        if first:
            show_in_time(found_in_time, csv_path, as_json=as_json)
        return
    _refuse_given(in_time, kind="labels of whole clips")
    if confusion and trained[0].facts.multi_label:
        raise UsageError(
            "--confusion draws videos by their one class, and those of this run have several; leave"
            " it out"
        )
    how = EvaluateOptions(
        average=average,
        views=Views(name=views or WHOLE, crop=crop),
        batch_size=batch_size,
        workers=workers,
        cache_dir=cache_dir,
        cache_size=cache_size,
        plugins=plugins,
        allow_other_sampling=allow_other_sampling,
        calibrate=calibrate,
        pictures=pictures,
    )
    with CountProgress("clips", shown=first) as progress:
        found = evaluate_runs(
            trained, shards, how, on_start=progress.start, on_clips=progress.advance
        )
    if not first:
        return
    for evaluation in found:
        for sentence in _warnings(evaluation, calibrate=calibrate):
            warn(sentence)
    if len(found) == 1:
        _write_files(found[0], csv_path, confusion)
        _show_evaluation(found[0], as_json=as_json)
    else:
        _show_comparison(*found, as_json=as_json)


def _names_of(values: Mapping[str, Any]) -> list[str]:
    """The options that were given, of values by the options' names."""
    return [name for name, value in values.items() if value]


def _check(
    runs: Sequence[str],
    shards: Sequence[str],
    of_one_run: Sequence[str],
    in_time: Sequence[str],
    *,
    summary: bool,
) -> None:
    """Refuse what doesn't go together.

    Args:
        runs: The runs.
        shards: The shards to score.
        of_one_run: The options that were given of those that go with one run only.
        in_time: The options that were given of those for labels in time.
        summary: Whether evaluations are summed up.

    Raises:
        UsageError: Something doesn't.
    """
    if summary:
        for option in [*(["--shards"] if shards else []), *of_one_run, *in_time]:
            raise UsageError(
                f"--summary reads evaluations that were kept, and {option} is for one that is made"
                " now; leave one of them out"
            )
        return
    if not shards:
        raise UsageError(
            "--shards says what is scored; give it, or --summary to sum up what was scored before"
        )
    if len(runs) > 2:
        raise UsageError(
            f"two runs are compared at a time, got {len(runs)}; name two of them, or score each by"
            " itself and give --summary"
        )
    if len(runs) == 2 and of_one_run:
        raise UsageError(f"{of_one_run[0]} goes with one run, got 2; leave it out")


def _check_fuse(others: Mapping[str, Any]) -> None:
    """Refuse options that don't go with --fuse.

    Args:
        others: Their values, by the options' names.

    Raises:
        UsageError: One was given.
    """
    for flag in _names_of(others):
        raise UsageError(
            f"--fuse joins evaluations that were kept, with which {flag} doesn't go; leave one of"
            " them out"
        )


def _refuse_given(values: Mapping[str, Any], *, kind: str) -> None:
    """Refuse options that say nothing of runs of a kind.

    Args:
        values: The values by the options' names.
        kind: What labels the runs have.

    Raises:
        UsageError: One was given.
    """
    for flag in _names_of(values):
        raise UsageError(f"{flag} says nothing of runs with {kind}; leave it out")


def _write_files(found: Evaluation, csv_path: Path | None, confusion: Path | None) -> None:
    """Write what files were asked for."""
    from lrcn_model.pictures.confusion_picture import draw_confusion
    from lrcn_model.scoring.scores_csv import write_csv
    from lrcn_model.scoring.set_scorer import SetResult

    if csv_path:
        write_csv(csv_path, found.videos, found.classes, found.probabilities())
    if confusion and not isinstance(found.result, SetResult):
        without_font = draw_confusion(confusion, found.result.confusion, found.classes)
        if without_font:
            warn(without_font)


def _show_evaluation(found: Evaluation, *, as_json: bool) -> None:
    from .evaluation_tables import print_evaluation

    if as_json:
        print_json(_report(found))
        return
    print_evaluation(found)
    _name_files([found])


def _show_comparison(first: Evaluation, second: Evaluation, *, as_json: bool) -> None:
    from lrcn_model.scoring.compare import compare

    from .comparison_tables import print_comparison

    compared = compare(first, second)
    if as_json:
        runs = [_report(found) for found in (first, second)]
        print_json({"runs": runs, "comparison": compared.report()})
        return
    print_comparison(compared)
    _name_files([first, second])


def _name_files(evaluations: Sequence[Evaluation]) -> None:
    for found in evaluations:
        if found.kept:
            print_result(f"kept: {found.kept}")
        print_files(found.files)


def _report(found: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON, with the run it is of and the file it is kept in."""
    kept = str(found.kept) if found.kept else None
    files = [str(path) for path in found.files]
    return {"run": found.run, **found.report(), "kept": kept, "files": files}


def _warnings(found: Evaluation, *, calibrate: bool) -> list[str]:
    """What is wrong with the shards as those to score, to calibrate on, or to report on."""
    warnings = []
    if found.differences:
        warnings.append(other_sampling(found.differences, found.run))
    others = sorted(set(found.splits.values()) - {"val"})
    if calibrate and others:
        warnings.append(
            f"the temperature was fitted on {' and '.join(others)} shards: what was trained on is"
            " recognized too surely, and what is calibrated on can't be reported on; use val shards"
        )
    if not calibrate and found.calibrated_on:
        warnings.append(
            f"the temperature of {found.run} was fitted on {found.calibrated_on} of these"
            f" {len(found.splits)} shards: the calibrated figures say nothing of other videos"
        )
    if found.not_kept:
        warnings.append(f"the evaluation of {found.run} is not kept: {found.not_kept}")
    warnings += found.not_made
    return warnings


def main() -> None:
    """Entry point of `lrcn-eval`."""
    run_command(command, "lrcn-eval")


if __name__ == "__main__":
    main()
