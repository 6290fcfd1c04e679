"""Scores shards of labels in time with a trained net: windows, joined to whole videos."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_data.format.shard_patterns import Patterns
from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_result import detection_result
from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.nets.frame_differences import FRAMES
from lrcn_model.processor import keep_freed_memory, out_of_memory_remedy
from lrcn_model.ranks import Ranks, joined, ranks_from_environment
from lrcn_model.reading.clip_batch import Clips
from lrcn_model.reading.open_shards import (
    check_fits,
    default_workers,
    open_shards,
    scoring_batches,
    scoring_windows,
    shard_cache,
)
from lrcn_model.reading.recut_clips import RecutClips
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.evaluation import ScoredShard
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.keep_with_run import keep_with_run
from lrcn_model.scoring.kept_in_time import keep_in_time
from lrcn_model.scoring.known_features import with_known_features
from lrcn_model.scoring.label_kinds import over_all_processes
from lrcn_model.scoring.time_scorer import TimeScorer
from lrcn_model.scoring.trained_run import AnyRun, TrainedRun, load_run
from lrcn_model.scoring.views import WHOLE, Views


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateInTimeOptions:
    """How shards of labels in time are scored; see `evaluate_in_time`.

    Raises:
        UsageError: A value is out of range.
    """

    background: Collection[str] = ()
    alarm: str | None = None
    alarm_length: float = 0.0
    views: Views = field(default_factory=Views)
    batch_size: int = 16
    workers: int | None = None
    cache_dir: str | Path | None = None
    cache_size: int | None = None
    plugins: Collection[str] = ()
    allow_other_sampling: bool = False
    keep: bool = True
    pictures: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1 or (self.workers is not None and self.workers < 0):
            raise UsageError(
                f"batch_size {self.batch_size} or workers {self.workers} is out of range"
            )
        if not 0 <= self.alarm_length < float("inf"):
            raise UsageError(f"--alarm-length must be at least 0 seconds, got {self.alarm_length}")
        if self.alarm_length and self.alarm is None:
            raise UsageError(
                f"--alarm-length {self.alarm_length:g} is how long --alarm's class has to last;"
                " name the class as well"
            )


def evaluate_in_time(
    run: AnyRun,
    shards: Patterns,
    *,
    background: Collection[str] = (),
    alarm: str | None = None,
    alarm_length: float = 0.0,
    views: str = WHOLE,
    crop: float | None = None,
    batch_size: int = 16,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    cache_size: int | None = None,
    plugins: Collection[str] = (),
    allow_other_sampling: bool = False,
    keep: bool = True,
    pictures: bool = False,
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> EvaluationInTime:
    """Score every video of shards of labels in time; several processes share the windows.

    A net is scored as it was trained: on windows of the same length, which overlap by half and
    whose probabilities are averaged frame by frame; on whole videos; or window by window, with the
    head's state carried on.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        shards: The shards to score: paths, globs, ranges or URLs, one or several; of folders, those
            of the test split.
        background: The names of the classes that stand for nothing happening, which are left out of
            what is said of segments and of the mean of average precisions.
        alarm: The name of the class whose onset delay and false alarms are counted; None for none.
        alarm_length: How long an alarm has to last, in seconds.
        views: In which views each window is scored, as `evaluate` has them.
        crop: The fraction that each of ten-crop's crops cuts away, as `evaluate` has it.
        batch_size: The number of windows that are scored at a time.
        workers: The number of processes that read shards; None for as many as suit the machine.
        cache_dir: A folder on this machine in which whole shards of stores are kept; None for none.
        cache_size: The most bytes that they may have; None for what is free, less a tenth of the
            disk.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        allow_other_sampling: Whether the windows may be sampled otherwise than those that the net
            was trained on.
        keep: Whether the evaluation is kept in the run's folder, with the probabilities of every
            frame; `EvaluationInTime.not_kept` says why it couldn't be.
        pictures: Whether tables and pictures of what is kept are made beside it, for people to look
            at; see `evaluation_files`. `EvaluationInTime.not_made` says what couldn't be made.
        on_start: Called once with the number of windows that this process scores, and with the
            number still to be scored, which is the same.
        on_clips: Called after every batch with the number of its windows.

    Raises:
        UsageError: A value is out of range, there is no such run or class, or the windows don't fit
            the run.
        ShardError: Shards are missing, damaged, or don't fit together.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    options = EvaluateInTimeOptions(
        background=background,
        alarm=alarm,
        alarm_length=alarm_length,
        views=Views(name=views, crop=crop),
        batch_size=batch_size,
        workers=workers,
        cache_dir=cache_dir,
        cache_size=cache_size,
        plugins=plugins,
        allow_other_sampling=allow_other_sampling,
        keep=keep,
        pictures=pictures,
    )
    [found] = evaluate_runs_in_time([run], shards, options, on_start=on_start, on_clips=on_clips)
    return found


def evaluate_runs_in_time(
    runs: Sequence[AnyRun],
    shards: Patterns,
    options: EvaluateInTimeOptions,
    *,
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> list[EvaluationInTime]:
    """Score the same shards with each of several runs; nothing is scored unless they fit all runs.

    Args:
        runs: The trained nets, on the same device, or the paths or URLs of their runs.
        shards: The shards to score; see `evaluate_in_time`.
        options: How they are scored.
        on_start: Called once with the number of windows that this process scores, over all runs,
            and with the number still to be scored, which is the same.
        on_clips: Called after every batch with the number of its windows.

    Raises:
        LrcnError: As `evaluate_in_time` does.
    """
    trained = [run if isinstance(run, TrainedRun) else load_run(run) for run in runs]
    for run in trained:
        if not run.facts.labels_in_time:
            raise UsageError(
                f"the run {run.name} has one label a clip, or several; score it with evaluate()"
            )
    cache = shard_cache(options.cache_dir, options.cache_size)
    data = open_shards(shards, split="test", plugins=options.plugins, cache=cache)
    differences = [
        check_fits(data, run.wanted, allow_other_sampling=options.allow_other_sampling)
        for run in trained
    ]
    named = _numbers(data.classes, options)
    clips = [
        scoring_windows(data, run.facts.window, carry_state=run.facts.carry_state)
        for run in trained
    ]
    ranks = ranks_from_environment()
    keep_freed_memory()
    with joined(ranks, trained[0].processor.device), out_of_memory_remedy(options.batch_size):
        share = sum(_share(run, one, ranks) for run, one in zip(trained, clips, strict=True))
        share *= len(options.views)
        on_start(share, share)
        found = []
        for run, windows, differ in zip(trained, clips, differences, strict=True):
            began = time.monotonic()
            scorer = _score(run, data, windows, options, ranks, on_clips)
            seconds = time.monotonic() - began
            found.append(_evaluation(run, data, options, scorer, named, differ, ranks, seconds))
        # the first process still writes when the others are done, and holds the connections
        ranks.wait()
    return found


def _numbers(
    classes: Sequence[str], options: EvaluateInTimeOptions
) -> tuple[list[int], Alarm | None]:
    """The numbers of the background classes, and what raises an alarm.

    Raises:
        UsageError: There is no such class.
    """

    def number(flag: str, name: str) -> int:
        if name not in classes:
            hint = did_you_mean(name, classes) or f"the classes are {', '.join(classes)}"
            raise UsageError(f"{flag} {name}: there is no such class; {hint}")
        return classes.index(name)

    background = [number("--background", name) for name in options.background]
    if options.alarm is None:
        return background, None
    return background, Alarm(
        label=number("--alarm", options.alarm), min_length=options.alarm_length
    )


def _share(run: TrainedRun, windows: ShardDataset | RecutClips, ranks: Ranks) -> int:
    """The number of windows that this process scores; where a state is carried, one has all."""
    if run.facts.carry_state:
        return len(windows) if ranks.first else 0
    return len(windows) // ranks.count


def _score(
    run: TrainedRun,
    data: ShardDataset,
    windows: ShardDataset | RecutClips,
    options: EvaluateInTimeOptions,
    ranks: Ranks,
    on_clips: Callable[[int], None],
) -> TimeScorer:
    """Score this process's share of the windows; what is found is that of all processes.

    A frame's probabilities are the mean over all windows that hold it, in all views.
    """
    scorer = TimeScorer(run.facts.smooth)
    run = run.for_frames(data.frame_kind)
    workers = default_workers() if options.workers is None else options.workers
    # a frame's features are others where another window begins with it
    may_be_known = windows is data or run.net.config.frame_input == FRAMES
    for change in options.views.changes():
        known: Clips = data
        if may_be_known:
            known = with_known_features(run, data, workers=workers, ranks=ranks, change=change)
        clips = windows if known is data else windows.of_cached(known)
        carried = CarriedState() if run.facts.carry_state else None
        batches = scoring_batches(
            clips,
            batch_size=options.batch_size,
            workers=workers if known is data else 0,
            processor=run.processor,
            ranks=ranks,
            in_streams=run.facts.carry_state,
        )
        with closing(batches):
            for batch in batches:
                # features are those of changed frames already
                scorer.add(run.score(batch, change, carried), batch)
                on_clips(len(batch))
    return over_all_processes(scorer, ranks)


def _evaluation(
    run: TrainedRun,
    data: ShardDataset,
    options: EvaluateInTimeOptions,
    scorer: TimeScorer,
    named: tuple[list[int], Alarm | None],
    differences: list[str],
    ranks: Ranks,
    seconds: float,
) -> EvaluationInTime:
    """What the scores say, kept where that was asked for."""
    background, alarm = named
    tracks = scorer.tracks()
    found = EvaluationInTime(
        run=run.name,
        weights=run.facts.trained,
        result=detection_result(
            tracks,
            background=background,
            alarm=alarm,
            with_intervals=ranks.first,
            skipped=data.skipped,
            failed=data.failed,
        ),
        tracks=tracks,
        classes=run.facts.classes,
        first=ranks.first,
        differences=differences,
        views=options.views,
        shards=[ScoredShard.of(shard) for shard in data.data_set.shards],
        alarm=alarm,
    )
    if not options.keep or not ranks.first:
        return found

    def write(folder: RunFolder) -> Path:
        return keep_in_time(folder, found, processor=run.processor, seconds=seconds)

    return keep_with_run(found, run, write, data.data_set, pictures=options.pictures)
