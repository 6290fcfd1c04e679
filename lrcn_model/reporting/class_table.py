"""What a page says of each class: precision, recall and F1, and of how many frames it is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.reporting.shown_clip import Ints
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.set_scorer import SetResult


class ClassRow(NamedTuple):
    """What is said of a class.

    Attributes:
        number: The number of the class.
        name: Its name.
        total: How many videos, or frames, have it.
        shares: Its figures, from 0 to 1; None where nothing was counted.
    """

    number: int
    name: str
    total: int
    shares: list[float | None]


class ClassTable(NamedTuple):
    """The figures of all classes that occur.

    Attributes:
        what: What is counted: videos, or frames.
        figures: The names of the figures.
        rows: The classes.
    """

    what: str
    figures: list[str]
    rows: list[ClassRow]


def classes_of_videos(found: Evaluation, frame_confusion: Ints | None) -> ClassTable:
    """The figures of each class where videos are labelled as a whole.

    Args:
        found: The evaluation.
        frame_confusion: How often frames of each class are taken for each, int64 (classes,
            classes); None where videos have sets of classes, or frames' scores weren't kept.
    """
    by_class = found.by_class
    columns = {"precision": by_class.precision, "recall": by_class.recall, "F1": by_class.f1}
    if isinstance(found.result, SetResult):
        columns = {"average precision": found.result.average_precision, **columns}
    elif frame_confusion is not None:
        right = frame_confusion.diagonal().tolist()
        totals = frame_confusion.sum(axis=1).tolist()
        columns["frame accuracy"] = [
            one / total if total else math.nan for one, total in zip(right, totals, strict=True)
        ]
    return _table("videos", found.classes, by_class.class_videos, columns)


def classes_in_time(found: DetectionResult, classes: Sequence[str]) -> ClassTable:
    """The figures of each class's frames where labels are in time."""
    columns = {
        "average precision": found.average_precision,
        "precision": found.precision,
        "recall": found.recall,
        "F1": found.f1,
    }
    return _table("frames", classes, found.class_frames, columns)


def _table(
    what: str,
    classes: Sequence[str],
    counts: Sequence[int],
    columns: dict[str, list[float]],
) -> ClassTable:
    shares = zip(*columns.values(), strict=True)
    rows = [
        ClassRow(n, name, count, [None if math.isnan(share) else share for share in own])
        for n, (name, count, own) in enumerate(zip(classes, counts, shares, strict=True))
    ]
    # a class that none has and none is recognized as has nothing to show
    return ClassTable(what, list(columns), [row for row in rows if any(_there(row.shares))])


def _there(shares: list[float | None]) -> list[bool]:
    return [share is not None for share in shares]
