"""How right a trained net is on shards."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.shard_patterns import Patterns
from lrcn_data.format.sources import source_text
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
from lrcn_model.scoring.label_kinds import (
    AnyResult,
    AnyVideoScores,
    label_kind,
    over_all_processes,
)
from lrcn_model.scoring.trained_run import TrainedRun, load_run
from lrcn_model.scoring.video_vote import VOTES


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evaluation:
    """How right a net is on shards.

    Attributes:
        result: All figures; a `SetResult` where clips have sets of classes.
        videos: The scores of each video, sorted by path.
        classes: The class names, by class number.
        first: Whether this is the process, of several, that reports what was found.
        differences: In what the clips were sampled otherwise than those that the net was trained
            on; a phrase for each difference.
    """

    result: AnyResult
    videos: Sequence[AnyVideoScores]
    classes: list[str]
    first: bool
    differences: list[str]


def evaluate(
    run: TrainedRun | str | os.PathLike[str],
    shards: Patterns,
    *,
    average: str | None = None,
    batch_size: int = 16,
    workers: int | None = None,
    plugins: Collection[str] = (),
    allow_other_sampling: bool = False,
    on_start: Callable[[int, int], None] = lambda clips, left: None,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> Evaluation:
    """Score every clip of shards once; several processes, as torchrun starts them, share the clips.

    Args:
        run: The trained net as `load_run` gives it, or the path or URL of its run.
        shards: The shards to score: paths, globs, ranges or URLs, one or several; of folders, those
            of the test split.
        average: Which scores of a video's frames are averaged, "log-probs" or "probs"; None for
            what the run was trained with. Where clips have sets of classes, "log-probs" stands for
            the logarithms of a class's odds.
        batch_size: The number of clips that are scored at a time, which changes nothing but speed.
        workers: The number of processes that read shards; None for as many as suit the machine.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        allow_other_sampling: Whether the clips may be sampled otherwise than those that the net was
            trained on: at another rate, with another sampling or stride.
        on_start: Called once with the number of clips that this process scores, and with the number
            still to be scored, which is the same.
        on_clips: Called after every batch with the number of its clips.

    Raises:
        UsageError: There is no such run, the clips differ from the run's in their classes, number
            of frames, kind of frames or sampling, or a plug-in that is not named has made them.
        ShardError: Shards are missing, damaged, or don't fit together.
        LrcnError: The run's weights are damaged, or memory ran out.
    """
    if average is not None and average not in VOTES:
        raise UsageError(f"average must be one of {', '.join(VOTES)}, got {average!r}")
    if batch_size < 1 or (workers is not None and workers < 0):
        raise UsageError(f"batch_size {batch_size} or workers {workers} is out of range")
    trained = run if isinstance(run, TrainedRun) else load_run(run)
    ranks = ranks_from_environment()
    data, differences = _open(shards, trained, plugins, allow_other_sampling=allow_other_sampling)
    keep_freed_memory()
    with joined(ranks, trained.processor.device), out_of_memory_remedy(batch_size):
        share = len(data) // ranks.count
        on_start(share, share)
        kind = label_kind(multi_label=trained.facts.multi_label)
        scorer = kind.scorer(len(trained.facts.classes), average or trained.facts.average)
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
    return Evaluation(
        result=whole.result(skipped=data.skipped, failed=data.failed),
        videos=whole.videos(),
        classes=trained.facts.classes,
        first=ranks.first,
        differences=differences,
    )


def _open(
    shards: Patterns, run: TrainedRun, plugins: Collection[str], *, allow_other_sampling: bool
) -> tuple[ShardDataset, list[str]]:
    """Open the clips to score, and say in what they were sampled otherwise than the run's."""
    data = open_shards(shards, split="test", plugins=plugins)
    wanted = Wanted(
        what=f"the run {run.name} has",
        classes=run.facts.classes,
        multi_label=run.facts.multi_label,
        seq_len=run.facts.seq_len,
        frame_kind=run.facts.frame_kind,
        recipe=run.facts.sampled,
    )
    return data, check_fits(data, wanted, allow_other_sampling=allow_other_sampling)


def write_csv(path: Path, videos: Sequence[AnyVideoScores], classes: Sequence[str]) -> None:
    """Write a CSV file with a line for each video, after a line of column names.

    A line has the video's path, the first 16 digits of its file's SHA-256 (nothing where the shards
    don't know it), its class, the class recognized, whether the two are the same, the number of
    frames, and the score of every class. Several classes have commas between them.

    Args:
        path: The file to write.
        videos: The videos' scores.
        classes: The class names, by class number.

    Raises:
        LrcnError: The file can't be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(
                ["video", "sha256", "class", "predicted", "correct", "frames", *classes]
            )
            for video in videos:
                scores = [f"{score:.6g}" for score in video.scores]
                sets = (video.classes, video.recognized)
                names = [",".join(classes[number] for number in numbers) for numbers in sets]
                correct = int(video.classes == video.recognized)
                digits = source_text(video.source)
                writer.writerow([video.video, digits, *names, correct, video.frames, *scores])
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
