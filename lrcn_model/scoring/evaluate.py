"""Scoring a trained net on shards."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path

from lrcn_data.errors import LrcnError
from lrcn_data.format.sources import source_text
from lrcn_model.ranks import Ranks
from lrcn_model.reading.open_shards import check_fits, default_workers, open_shards, scoring_batches
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.scorer import Scorer, VideoScores, over_all_processes
from lrcn_model.scoring.trained_run import TrainedRun

_ALONE = Ranks()


def open_to_evaluate(
    patterns: Sequence[str], run: TrainedRun, name: str, *, plugins: Collection[str] = ()
) -> ShardDataset:
    """Open the clips to score; of folders, those of the test split.

    Args:
        patterns: The shards: paths, folders, globs or ranges.
        run: The trained net that will score the clips.
        name: The run's name, for error messages.
        plugins: Names of plug-ins that may be imported, where one has made the frames.

    Raises:
        UsageError: The clips differ from the run's in their classes, number of frames or kind of
            frames, or a plug-in that is not named has made the frames.
        ShardError: Shards are missing, damaged, or don't fit together.
    """
    data = open_shards(patterns, split="test", plugins=plugins)
    check_fits(
        data,
        classes=run.facts.classes,
        seq_len=run.facts.seq_len,
        frame_kind=run.facts.frame_kind,
        what=f"the run {name} has",
    )
    return data


def evaluate(
    run: TrainedRun,
    data: ShardDataset,
    *,
    batch_size: int,
    workers: int | None = None,
    average: str | None = None,
    ranks: Ranks = _ALONE,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> Scorer:
    """Score every clip once, in one of the processes.

    Args:
        run: The trained net.
        data: The clips to score.
        batch_size: The number of clips that are scored at a time, which changes nothing but speed.
        workers: The number of processes that read shards; None for as many as suit the machine.
        average: Which scores of a video's frames are averaged; None for what the run says.
        ranks: The processes that share the clips; each of them gets all scores.
        on_clips: A function that is called after every batch with the number of its clips.

    Returns:
        The scorer, with the scores of all clips.
    """
    scorer = Scorer(len(run.facts.classes), average or run.facts.average)
    with closing(
        scoring_batches(
            data,
            batch_size=batch_size,
            workers=default_workers() if workers is None else workers,
            processor=run.processor,
            ranks=ranks,
        )
    ) as batches:
        for batch in batches:
            scorer.add(run.score(batch), batch)
            on_clips(len(batch))
    return over_all_processes(scorer, ranks)


def write_csv(path: Path, videos: Sequence[VideoScores], classes: Sequence[str]) -> None:
    """Write a CSV file with a line for each video, after a line of column names.

    A line has the video's path, the first 16 digits of its file's SHA-256, its class, the class
    recognized, whether the two are the same, the number of frames, and the score of every class.

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
                names = [classes[video.label], classes[video.predicted]]
                correct = int(video.label == video.predicted)
                digits = source_text(video.source)
                writer.writerow([video.video, digits, *names, correct, video.frames, *scores])
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
