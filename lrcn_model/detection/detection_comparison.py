"""Detection by two runs in the same videos, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrcn_data.errors import UsageError
from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_parts import DetectionParts
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.figures.intervals import METHOD, DrawnFigure, Interval, intervals
from lrcn_model.figures.json_figures import without_nan


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionComparison:
    """How far two runs differ.

    Attributes:
        differences: Figures of the first less those of the second, by the names that a
            `DetectionResult` has them by.
        intervals: The interval of confidence of each difference: in each draw both have the same
            videos. None of them with fewer than two videos.
    """

    differences: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def report(self) -> dict[str, Any]:
        """All that is compared, as JSON can hold it."""
        return {
            "differences": without_nan(self.differences),
            "intervals": {**METHOD, **without_nan(self.intervals)},
        }


def compare_detection(
    first: Sequence[FrameTrack],
    second: Sequence[FrameTrack],
    *,
    background: Collection[int] = (),
    alarm: Alarm | None = None,
) -> DetectionComparison:
    """Compare what two runs say of the same frames of the same videos.

    Args:
        first: The videos as the one run scores them.
        second: The videos as the other one does, in any order.
        background: The numbers of the classes that stand for nothing happening.
        alarm: The class whose onset delay and false alarms are counted.

    Raises:
        UsageError: The videos or the labels of their frames aren't the same, a class isn't among
            those of the tracks, or a video is there twice.
    """
    one, other = (
        DetectionParts.of(tracks, background=background, alarm=alarm)
        for tracks in _same_frames(first, second)
    )
    values = other.values()
    drawn = other.figures()
    figures = {name: _difference(figure, drawn[name]) for name, figure in one.figures().items()}
    return DetectionComparison(
        differences={name: value - values[name] for name, value in one.values().items()},
        intervals=intervals(figures, len(one.videos)),
    )


def _same_frames(
    first: Sequence[FrameTrack], second: Sequence[FrameTrack]
) -> tuple[list[FrameTrack], list[FrameTrack]]:
    """Both runs' tracks in the same order.

    Raises:
        UsageError: They aren't of the same labelled frames.
    """
    one, other = ([*sorted(tracks, key=lambda one: one.identity)] for tracks in (first, second))
    names, others = ([track.identity for track in tracks] for tracks in (one, other))
    if names != others:
        raise UsageError(
            f"the runs were scored on {len(names)} and {len(others)} videos, of which"
            f" {len({*names} & {*others})} are the same; score both on the same shards"
        )
    for track, same in zip(one, other, strict=True):
        if not (
            np.array_equal(track.positions, same.positions)
            and np.array_equal(track.labels, same.labels)
        ):
            raise UsageError(
                f"the runs were scored on other frames or labels of {track.video}; score both on"
                " the same shards"
            )
    return one, other


def _difference(one: DrawnFigure, other: DrawnFigure) -> DrawnFigure:
    return lambda counts_DV: one(counts_DV) - other(counts_DV)
