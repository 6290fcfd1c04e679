"""What happens when in videos with labels in time: truth over prediction, as paths of SVG."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from lrcn_model.detection.frame_track import UNLABELLED, FrameTrack
from lrcn_model.reporting.shown_clip import Ints

MOST_VIDEOS = 40
"""Videos whose timelines are shown; of more, those with the smallest share of right frames."""

_COLUMNS = 2000
"""Parts that the time of a video is divided into, each of which has one class."""

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
"""Seconds that the marks of a timeline may be apart."""

_MOST_MARKS = 12

_LAST_MARK = 0.97


class Band(NamedTuple):
    """Where a timeline shows a class.

    Attributes:
        label: The number of the class.
        path: The path, in seconds along and from 0 to 1 down.
    """

    label: int
    path: str


class Timeline(NamedTuple):
    """A video from beginning to end.

    Attributes:
        video: Its path, as its list had it.
        source: Which input file it is.
        right: The share of its labelled frames that are right.
        seconds: How long it is.
        marks: The times that are written below, in seconds.
        close_marks: Those that are written between them where one looks closely.
        truth: The classes as they are labelled.
        predicted: The classes that the net finds, also where there is no label.
    """

    video: str
    source: int
    right: float
    seconds: float
    marks: list[float]
    close_marks: list[float]
    truth: list[Band]
    predicted: list[Band]


def timelines(tracks: Sequence[FrameTrack]) -> list[Timeline]:
    """The timelines of the videos that have a labelled frame, those with most errors first.

    Args:
        tracks: The videos.
    """
    found = [_timeline(track) for track in tracks if (track.labels != UNLABELLED).any()]
    return sorted(found, key=lambda one: (one.right, one.video))[:MOST_VIDEOS]


def shown_classes(lines: Sequence[Timeline]) -> list[int]:
    """The numbers of the classes that timelines show, ascending."""
    bands = [band for line in lines for band in (*line.truth, *line.predicted)]
    return sorted({band.label for band in bands})


def _timeline(track: FrameTrack) -> Timeline:
    starts_F = track.times - track.times[0]
    step = float(np.median(np.diff(starts_F))) if len(starts_F) > 1 else 1.0
    seconds = float(starts_F[-1]) + (step or 1.0)
    predicted_F = track.scores.argmax(axis=1)
    there_F = track.labels != UNLABELLED
    marks = _marks(seconds, _MOST_MARKS)
    return Timeline(
        video=track.video,
        source=track.source,
        right=float((predicted_F == track.labels)[there_F].mean()),
        seconds=seconds,
        marks=marks,
        close_marks=sorted({*_marks(seconds, 8 * _MOST_MARKS)} - {*marks}),
        truth=_bands(track.labels, starts_F, seconds),
        predicted=_bands(predicted_F, starts_F, seconds),
    )


def _marks(seconds: float, most: int) -> list[float]:
    """Times of a video that are evenly spread, at whole seconds where it is long enough."""
    apart = next((step for step in _STEPS if seconds / step <= most), seconds / most)
    marks = [round(float(mark), 2) for mark in np.arange(0, seconds, apart)]
    # so that none is written beyond the end
    return [mark for mark in marks if mark < _LAST_MARK * seconds]


def _bands(classes_F: Ints, starts_F: np.ndarray, seconds: float) -> list[Band]:
    """Where each class is shown; what has no class is left empty."""
    columns = min(_COLUMNS, len(classes_F))
    middles = (np.arange(columns) + 0.5) * seconds / columns
    classes = classes_F[np.searchsorted(starts_F, middles, side="right") - 1]
    bounds = np.flatnonzero(np.diff(classes, prepend=-2, append=-2))
    paths: dict[int, list[str]] = {}
    for first, behind in pairwise(bounds.tolist()):
        label = int(classes[first])
        if label != UNLABELLED:
            start, end = (f"{place * seconds / columns:.6g}" for place in (first, behind))
            paths.setdefault(label, []).append(f"M{start} 0H{end}V1H{start}z")
    return [Band(label, "".join(parts)) for label, parts in sorted(paths.items())]
