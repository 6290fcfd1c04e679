"""Scoring a trained net on shards."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_model.ranks import Ranks
from lrcn_model.reading.open_shards import check_fits, default_workers, open_shards, scoring_batches
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.average import Average
from lrcn_model.scoring.scorer import Scorer, VideoScores, over_all_processes
from lrcn_model.scoring.weights import TrainedRun

_ALONE = Ranks()

_CELL = 16
"""Pixels a side of a cell of the confusion matrix's picture."""


def open_to_evaluate(
    patterns: Sequence[str], run: TrainedRun, name: str, *, plugins: Collection[str] = ()
) -> ShardDataset:
    """The clips to score; of folders, those of the test split.

    Args:
        patterns: Shards.
        run: What will score them.
        name: Of the run, for errors.
        plugins: Names of plug-ins that may be imported, where one has made the frames.

    Raises:
        UsageError: They are of other classes, lengths or frames than the run's, or a plug-in has
            made the frames that is not named.
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
    average: Average | None = None,
    ranks: Ranks = _ALONE,
    on_clips: Callable[[int], None] = lambda clips: None,
) -> Scorer:
    """Score all clips, each in one process and once.

    Args:
        run: The trained net.
        data: The clips.
        batch_size: Clips at a time; changes nothing but speed.
        workers: Processes that read; None for as many as suit the machine.
        average: Which scores of a video's frames are averaged; None for what the run says.
        ranks: Which processes share the clips; each gets all scores.
        on_clips: Told how many clips were scored, batch by batch.
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
    """Write a line a video: its path, class, what was recognized, and the score of every class.

    Raises:
        LrcnError: It can't be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["video", "class", "predicted", "correct", "frames", *classes])
            for video in videos:
                scores = [f"{score:.6g}" for score in video.scores]
                names = [classes[video.label], classes[video.predicted]]
                correct = int(video.label == video.predicted)
                writer.writerow([video.video, *names, correct, video.frames, *scores])
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error


def draw_confusion(path: Path, confusion: Sequence[Sequence[int]]) -> None:
    """Draw the confusion matrix, a square a cell, white for none of a class's videos.

    Raises:
        LrcnError: It can't be written.
    """
    counts = np.array(confusion, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    grey: Any = np.round(255 * (1 - shares)).astype(np.uint8)
    picture = Image.fromarray(grey.repeat(_CELL, axis=0).repeat(_CELL, axis=1))
    try:
        picture.save(path, format="png")
    except OSError as error:
        raise LrcnError(f"{path} can't be written: {error.strerror}; name another") from error
