"""Scores shards with a trained net."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import closing

from lrcn_data.errors import UsageError
from lrcn_data.format.shard_patterns import Patterns
from lrcn_model.processor import keep_freed_memory, out_of_memory_remedy
from lrcn_model.ranks import joined, ranks_from_environment
from lrcn_model.reading.open_shards import (
    Wanted,
    check_fits,
    default_workers,
    open_shards,
    scoring_batches,
)
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.calibration import fit_calibration
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.label_kinds import label_kind, over_all_processes
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.trained_run import TrainedRun, load_run, save_calibration
from lrcn_model.scoring.video_vote import VOTES


def evaluate(
    run: TrainedRun | str | os.PathLike[str],
    shards: Patterns,
    *,
    average: str | None = None,
    batch_size: int = 16,
    workers: int | None = None,
    plugins: Collection[str] = (),
    allow_other_sampling: bool = False,
    calibrate: bool = False,
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
        batch_size: The number of clips that are scored at a time, which changes nothing but speed.
        workers: The number of processes that read shards; None for as many as suit the machine.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        allow_other_sampling: Whether the clips may be sampled otherwise than those that the net was
            trained on: at another rate, with another sampling or stride.
        calibrate: Whether a temperature is fitted to the scores and kept with the run, in place of
            the one that it has; the shards of folders are then those of the val split.
        on_start: Called once with the number of clips that this process scores, and with the number
            still to be scored, which is the same.
        on_clips: Called after every batch with the number of its clips.

    Raises:
        UsageError: There is no such run, the clips differ from the run's in their classes, number
            of frames, kind of frames or sampling, or a plug-in that is not named has made them; or
            what is to be calibrated averages other scores than predicting, or is not on this
            machine.
        ShardError: Shards are missing, damaged, or don't fit together.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    if average is not None and average not in VOTES:
        raise UsageError(f"average must be one of {', '.join(VOTES)}, got {average!r}")
    if batch_size < 1 or (workers is not None and workers < 0):
        raise UsageError(f"batch_size {batch_size} or workers {workers} is out of range")
    trained = run if isinstance(run, TrainedRun) else load_run(run)
    ranks = ranks_from_environment()
    votes = average or trained.facts.average
    if calibrate and votes != trained.facts.average:
        raise UsageError(
            f"a calibration is for what lrcn-predict averages, {trained.facts.average}, not"
            f" {votes}; leave --average out"
        )
    if calibrate and trained.facts.multi_label:
        raise UsageError(
            f"a calibration is for videos of one class, and those of the run {trained.name} have"
            " several labels; leave --calibrate out"
        )
    data, differences = _open(
        shards,
        trained,
        plugins,
        split="val" if calibrate else "test",
        allow_other_sampling=allow_other_sampling,
    )
    keep_freed_memory()
    with joined(ranks, trained.processor.device), out_of_memory_remedy(batch_size):
        share = len(data) // ranks.count
        on_start(share, share)
        kind = label_kind(multi_label=trained.facts.multi_label)
        scorer = kind.scorer(len(trained.facts.classes), votes)
        batches = scoring_batches(
            data,
            batch_size=batch_size,
            workers=default_workers() if workers is None else workers,
            processor=trained.processor,
            ranks=ranks,
        )
        with closing(batches):
            for batch in batches:
                scorer.add(trained.score(batch), batch)
                on_clips(len(batch))
        whole = over_all_processes(scorer, ranks)
    videos = whole.videos()
    splits = {shard.entry.sha256: shard.entry.split for shard in data.data_set.shards}
    # fitted to other votes, a temperature says nothing of these
    calibration = trained.facts.calibration if votes == trained.facts.average else None
    if calibrate:
        one_class = [video for video in videos if isinstance(video, VideoScores)]
        calibration = fit_calibration(one_class, votes, list(splits))
        if ranks.first:
            save_calibration(trained, calibration)
    return Evaluation(
        result=whole.result(skipped=data.skipped, failed=data.failed),
        videos=videos,
        classes=trained.facts.classes,
        first=ranks.first,
        differences=differences,
        average=votes,
        splits=splits,
        calibration=calibration,
    )


def _open(
    shards: Patterns,
    run: TrainedRun,
    plugins: Collection[str],
    *,
    split: str,
    allow_other_sampling: bool,
) -> tuple[ShardDataset, list[str]]:
    """Open the clips to score, and say in what they were sampled otherwise than the run's."""
    data = open_shards(shards, split=split, plugins=plugins)
    wanted = Wanted(
        what=f"the run {run.name} has",
        classes=run.facts.classes,
        multi_label=run.facts.multi_label,
        seq_len=run.facts.seq_len,
        frame_kind=run.facts.frame_kind,
        recipe=run.facts.sampled,
    )
    return data, check_fits(data, wanted, allow_other_sampling=allow_other_sampling)
