"""Scores shards with a trained net."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.shard_patterns import Patterns
from lrcn_model.figures.intervals import intervals
from lrcn_model.processor import keep_freed_memory, out_of_memory_remedy
from lrcn_model.ranks import Ranks, joined, ranks_from_environment
from lrcn_model.reading.clip_batch import Clips
from lrcn_model.reading.open_shards import (
    check_fits,
    default_workers,
    open_shards,
    scoring_batches,
    shard_cache,
)
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.calibration import fit_calibration
from lrcn_model.scoring.class_figures import class_figures
from lrcn_model.scoring.evaluation import Evaluation, ScoredShard, drawn_figures
from lrcn_model.scoring.frame_scores import FrameScores
from lrcn_model.scoring.keep_with_run import keep_with_run
from lrcn_model.scoring.kept_evaluations import keep_evaluation
from lrcn_model.scoring.known_features import with_known_features
from lrcn_model.scoring.label_kinds import AnyScorer, label_kind, over_all_processes
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.trained_run import AnyRun, TrainedRun, folder_of, load_run, save_calibration
from lrcn_model.scoring.video_vote import VOTES
from lrcn_model.scoring.views import WHOLE, Views, score_views


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateOptions:
    """How shards are scored; see `evaluate`.

    Raises:
        UsageError: A value is out of range.
    """

    average: str | None = None
    views: Views = field(default_factory=Views)
    batch_size: int = 16
    workers: int | None = None
    cache_dir: str | Path | None = None
    cache_size: int | None = None
    plugins: Collection[str] = ()
    allow_other_sampling: bool = False
    calibrate: bool = False
    keep: bool = True
    pictures: bool = False

    def __post_init__(self) -> None:
        if self.average is not None and self.average not in VOTES:
            raise UsageError(f"average must be one of {', '.join(VOTES)}, got {self.average!r}")
        if self.batch_size < 1 or (self.workers is not None and self.workers < 0):
            raise UsageError(
                f"batch_size {self.batch_size} or workers {self.workers} is out of range"
            )


def evaluate(
    run: AnyRun,
    shards: Patterns,
    *,
    average: str | None = None,
    views: str = WHOLE,
    crop: float | None = None,
    batch_size: int = 16,
    workers: int | None = None,
    cache_dir: str | Path | None = None,
    cache_size: int | None = None,
    plugins: Collection[str] = (),
    allow_other_sampling: bool = False,
    calibrate: bool = False,
    keep: bool = True,
    pictures: bool = False,
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> Evaluation:
    """Score every clip of shards once; several processes, as torchrun starts them, share the clips.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        shards: The shards to score: paths, globs, ranges or URLs, one or several; of folders, those
            of the test split.
        average: Which scores of a video's frames are averaged, among `video_vote.VOTES`:
            "log-probs", "probs" or "last"; None for what the run was trained with. Where clips have
            sets of classes, "log-probs" stands for the logarithms of a class's odds.
        views: In which views each clip is scored, among `views.VIEWS`: "whole", "flip" or
            "ten-crop". The scores of a clip's views are averaged, frame by frame, as those of a
            video's frames are.
        crop: The fraction of width and height that each of ten-crop's crops cuts away; None for
            0.125, which leaves 224 of 256 pixels.
        batch_size: The number of clips that are scored at a time, which changes nothing but speed.
        workers: The number of processes that read shards; None for as many as suit the machine.
        cache_dir: A folder on this machine in which whole shards of stores are kept; None for none.
        cache_size: The most bytes that they may have; None for what is free, less a tenth of the
            disk.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        allow_other_sampling: Whether the clips may be sampled otherwise than those that the net was
            trained on: at another rate, with another sampling or stride.
        calibrate: Whether a temperature is fitted to the scores and kept with the run, in place of
            the one that it has; the shards of folders are then those of the val split.
        keep: Whether the evaluation is kept in the run's folder, with the scores of every video and
            frame; `Evaluation.not_kept` says why it couldn't be.
        pictures: Whether tables and pictures of what is kept are made beside it, for people to look
            at; see `evaluation_files`. `Evaluation.not_made` says what couldn't be made.
        on_start: Called once with the number of clips that this process scores, and with the number
            still to be scored, which is the same.
        on_clips: Called after every batch with the number of its clips.

    Raises:
        UsageError: A value is out of range, or there is no such run; the clips differ from the
            run's in their classes, number of frames, kind of frames or sampling, or a plug-in that
            is not named has made them; or what is to be calibrated averages other scores or views
            than predicting, or is not on this machine.
        ShardError: Shards are missing, damaged, or don't fit together.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    options = EvaluateOptions(
        average=average,
        views=Views(name=views, crop=crop),
        batch_size=batch_size,
        workers=workers,
        cache_dir=cache_dir,
        cache_size=cache_size,
        plugins=plugins,
        allow_other_sampling=allow_other_sampling,
        calibrate=calibrate,
        keep=keep,
        pictures=pictures,
    )
    [found] = evaluate_runs([run], shards, options, on_start=on_start, on_clips=on_clips)
    return found


def evaluate_runs(
    runs: Sequence[AnyRun],
    shards: Patterns,
    options: EvaluateOptions,
    *,
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> list[Evaluation]:
    """Score the same shards with each of several runs; nothing is scored unless they fit all runs.

    Args:
        runs: The trained nets, on the same device, or the paths or URLs of their runs.
        shards: The shards to score; see `evaluate`.
        options: How they are scored.
        on_start: Called once with the number of clips that this process scores, over all runs, and
            with the number still to be scored, which is the same.
        on_clips: Called after every batch with the number of its clips.

    Raises:
        LrcnError: As `evaluate` does.
    """
    trained = [run if isinstance(run, TrainedRun) else load_run(run) for run in runs]
    for run in trained:
        if run.facts.labels_in_time:
            raise UsageError(
                f"the run {run.name} has labels in time; score it with evaluate_in_time()"
            )
        _check_calibration(run, options)
    split = "val" if options.calibrate else "test"
    cache = shard_cache(options.cache_dir, options.cache_size)
    data = open_shards(shards, split=split, plugins=options.plugins, cache=cache)
    clips = [run.clips_of(data) for run in trained]
    differences = [
        check_fits(its_clips, run.wanted, allow_other_sampling=options.allow_other_sampling)
        for run, its_clips in zip(trained, clips, strict=True)
    ]
    ranks = ranks_from_environment()
    keep_freed_memory()
    processor = trained[0].processor
    with joined(ranks, processor.device), out_of_memory_remedy(options.batch_size):
        share = len(data) // ranks.count * len(trained)
        on_start(share, share)
        found = []
        for run, its_clips, differ in zip(trained, clips, differences, strict=True):
            scored = _score(run, its_clips, options, ranks, on_clips)
            # one run after the other is kept, and its frames' scores let go of
            found.append(_evaluation(run, its_clips, options, scored, differ, ranks))
        # the first process still writes when the others are done, and holds the connections
        ranks.wait()
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    """What all processes have found of the clips.

    Attributes:
        scorer: The sums that the figures follow from.
        frames: The scores of every frame; None where they can't be kept, or aren't to be.
        not_kept: The reason why they can't be kept.
        seconds: The time that scoring took.
    """

    scorer: AnyScorer
    frames: FrameScores | None
    not_kept: str | None
    seconds: float


def _check_calibration(run: TrainedRun, options: EvaluateOptions) -> None:
    """Refuse to calibrate what predicting doesn't do, or what has no calibration.

    Raises:
        UsageError: It is asked for.
    """
    if not options.calibrate:
        return
    if _average(run, options) != run.facts.average:
        raise UsageError(
            f"a calibration is for what lrcn-predict averages, {run.facts.average}, not"
            f" {options.average}; leave --average out"
        )
    if options.views.name != WHOLE:
        raise UsageError(
            f"a calibration is for whole clips, as lrcn-predict sees them, not for --views"
            f" {options.views.name}; leave --views out"
        )
    if run.facts.multi_label:
        raise UsageError(
            f"a calibration is for videos of one class, and those of the run {run.name} have"
            " several labels; leave --calibrate out"
        )


def _average(run: TrainedRun, options: EvaluateOptions) -> str:
    """Which scores of a video's frames are averaged."""
    return options.average or run.facts.average


def _score(
    run: TrainedRun,
    data: ShardDataset,
    options: EvaluateOptions,
    ranks: Ranks,
    on_clips: Callable[[int], None],
) -> _Scored:
    """Score this process's share of the clips; what is found is that of all processes."""
    began = time.monotonic()
    not_kept = _not_kept(run) if options.keep else None
    frames = FrameScores(len(data), data.seq_len) if options.keep and not not_kept else None
    kind = label_kind(multi_label=run.facts.multi_label)
    average = _average(run, options)
    scorer = kind.scorer(len(run.facts.classes), average)
    mirroring = run.for_frames(data.frame_kind)
    workers = default_workers() if options.workers is None else options.workers
    clips: Clips = data
    if options.views.name == WHOLE:
        clips = with_known_features(run, data, workers=workers, ranks=ranks)
    batches = scoring_batches(
        clips,
        batch_size=options.batch_size,
        workers=workers if clips is data else 0,
        processor=run.processor,
        ranks=ranks,
    )
    with closing(batches):
        for batch in batches:
            scores_BTC = score_views(mirroring, batch, options.views, kind.votes[average])
            scorer.add(scores_BTC, batch)
            if frames is not None:
                frames.add(scores_BTC, batch, kind.votes[average])
            on_clips(len(batch))
    return _Scored(
        scorer=over_all_processes(scorer, ranks),
        frames=None if frames is None else over_all_processes(frames, ranks),
        not_kept=not_kept,
        seconds=time.monotonic() - began,
    )


def _not_kept(run: TrainedRun) -> str | None:
    """The reason why there is no place for an evaluation of a run; None where there is one."""
    try:
        folder_of(run)
    except LrcnError as error:
        return str(error)
    return None


def _evaluation(
    run: TrainedRun,
    data: ShardDataset,
    options: EvaluateOptions,
    scored: _Scored,
    differences: list[str],
    ranks: Ranks,
) -> Evaluation:
    """What the scores say, kept; where that was asked for, the run is calibrated by them."""
    videos, average, classes = scored.scorer.videos(), _average(run, options), run.facts.classes
    shards = [ScoredShard.of(shard) for shard in data.data_set.shards]
    # fitted to other votes or views, a temperature says nothing of these
    fits = average == run.facts.average and options.views.name == WHOLE
    calibration = run.facts.calibration if fits else None
    if options.calibrate:
        one_class = [video for video in videos if isinstance(video, VideoScores)]
        calibration = fit_calibration(one_class, average, [shard.sha256 for shard in shards])
        if ranks.first:
            save_calibration(run, calibration)
    found = Evaluation(
        run=run.name,
        weights=run.facts.trained,
        result=scored.scorer.result(skipped=data.skipped, failed=data.failed),
        videos=videos,
        classes=classes,
        first=ranks.first,
        differences=differences,
        average=average,
        views=options.views,
        shards=shards,
        intervals=intervals(drawn_figures(videos, len(classes)), len(videos)),
        by_class=class_figures(videos, len(classes)),
        calibration=calibration,
        not_kept=scored.not_kept,
    )
    if scored.frames is None or not ranks.first:
        return found
    frames = scored.frames.arrays(videos)

    def write(folder: RunFolder) -> Path:
        return keep_evaluation(
            folder, found, frames, processor=run.processor, seconds=scored.seconds
        )

    return keep_with_run(found, run, write, data.data_set, pictures=options.pictures)
