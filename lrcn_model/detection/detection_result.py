"""All figures of detection in whole videos, with intervals of confidence."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from lrcn_model.detection.alarms import NAMES as ALARM_NAMES
from lrcn_model.detection.alarms import Alarm, AlarmFigures
from lrcn_model.detection.detection_parts import DetectionParts
from lrcn_model.detection.frame_track import FrameTrack, LabelledFrames
from lrcn_model.figures.intervals import METHOD, Interval, intervals
from lrcn_model.figures.json_figures import without_nan

_LEAST = 1e-12
"""The least probability whose logarithm is taken, so that this is finite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionResult:
    """All figures of detection; fractions are from 0 to 1, nan where nothing was counted.

    A video without a labelled frame takes no part, and is only counted. Classes that are named as
    background take part in what is said of frames and of each class, and in nothing that is said of
    segments, nor in a mean of average precisions.

    Attributes:
        videos: The number of videos that have a labelled frame.
        unlabelled_videos: The number of videos that have none.
        frames: The number of frames with a label, which are scored.
        unlabelled_frames: The number of frames without one.
        skipped: The number of videos that gave no window since they were too short.
        failed: The number of videos that gave no window for any other reason.
        background: The numbers of the background classes.
        frame_loss: The mean cross-entropy of the labelled frames.
        frame_accuracy: The fraction of frames whose class has the highest score.
        mean_class_accuracy: The fraction of a class's frames that are right, averaged over the
            classes that occur.
        frame_map: The average precision of a class's frames, averaged over the classes that occur.
        calibrated_frame_map: The same of the calibrated average precision.
        segments: The number of true segments.
        predicted_segments: The number of predicted ones.
        f1_10: Segmental F1 at an overlap of 10 %.
        f1_25: At 25 %.
        f1_50: At 50 %.
        edit: The edit score, averaged over the videos that have a segment.
        temporal_map_10: Temporal mean average precision at an overlap of 10 %.
        temporal_map_20: At 20 %.
        temporal_map_30: At 30 %.
        temporal_map_40: At 40 %.
        temporal_map_50: At 50 %.
        temporal_map_60: At 60 %.
        temporal_map_70: At 70 %.
        temporal_map: The mean of these.
        class_frames: The number of frames of each class, by class number.
        precision: The precision of each class's frames; nan where none is predicted.
        recall: The recall of each class's frames; nan where there are none.
        f1: F1 of each class's frames; nan where neither is.
        average_precision: The average precision of each class's frames; nan where there are none.
        calibrated_average_precision: The same of the calibrated one.
        alarm: How soon and how wrongly a class is noticed; None where none was named.
        intervals: The interval of confidence of each figure of all videos, by its name, those of
            `alarm` among them; none with fewer than two videos, or where none were asked for.
    """

    MAIN_FIGURE: ClassVar[str] = "frame_map"
    """The figure by which weights are compared."""

    EPOCH_FIGURES: ClassVar[tuple[str, ...]] = (
        *("frame_map", "frame_accuracy", "f1_50", "edit", "frame_loss"),
    )
    """The figures that are recorded of every epoch."""

    videos: int
    unlabelled_videos: int
    frames: int
    unlabelled_frames: int
    skipped: int
    failed: int
    background: list[int]
    frame_loss: float
    frame_accuracy: float
    mean_class_accuracy: float
    frame_map: float
    calibrated_frame_map: float
    segments: int
    predicted_segments: int
    f1_10: float
    f1_25: float
    f1_50: float
    edit: float
    temporal_map_10: float
    temporal_map_20: float
    temporal_map_30: float
    temporal_map_40: float
    temporal_map_50: float
    temporal_map_60: float
    temporal_map_70: float
    temporal_map: float
    class_frames: list[int]
    precision: list[float]
    recall: list[float]
    f1: list[float]
    average_precision: list[float]
    calibrated_average_precision: list[float]
    alarm: AlarmFigures | None
    intervals: Mapping[str, Interval]

    def report(self) -> dict[str, Any]:
        """All figures as JSON can hold them: null where nothing was counted."""
        figures = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            **without_nan(figures),
            "alarm": self.alarm and without_nan(asdict(self.alarm)),
            "intervals": {**METHOD, **without_nan(self.intervals)},
        }


def detection_result(
    tracks: Sequence[FrameTrack],
    *,
    background: Collection[int] = (),
    alarm: Alarm | None = None,
    with_intervals: bool = True,
    skipped: int = 0,
    failed: int = 0,
) -> DetectionResult:
    """Score whole videos.

    Args:
        tracks: The videos, each once.
        background: The numbers of the classes that stand for nothing happening.
        alarm: The class whose onset delay and false alarms are counted.
        with_intervals: Whether intervals of confidence are found, by bootstrap over the videos that
            have a labelled frame; they take most of the time.
        skipped: The number of videos that gave no window since they were too short.
        failed: The number of videos that gave no window for any other reason.

    Raises:
        UsageError: A class isn't among those of the tracks, or a video is there twice.
    """
    parts = DetectionParts.of(tracks, background=background, alarm=alarm)
    counts, segments = parts.frame_counts, parts.segment_counts
    of_all = type(counts)(*(values_VC.sum(axis=0) for values_VC in counts))
    frames = sum(len(video.labels_F) for video in parts.videos)
    values = {name: one for name, one in parts.values().items() if name not in ALARM_NAMES}
    return DetectionResult(
        videos=len(parts.videos),
        unlabelled_videos=len(tracks) - len(parts.videos),
        frames=frames,
        unlabelled_frames=sum(len(track.labels) for track in tracks) - frames,
        skipped=skipped,
        failed=failed,
        frame_loss=_frame_loss(parts.videos),
        background=sorted(set(background)),
        segments=int(segments.true_V.sum()),
        predicted_segments=int(segments.predicted_V.sum()),
        class_frames=of_all.true_VC.astype(int).tolist(),
        precision=of_all.precision().tolist(),
        recall=of_all.recall().tolist(),
        f1=of_all.f1().tolist(),
        average_precision=parts.precision.plain_C.tolist(),
        calibrated_average_precision=parts.precision.calibrated_C.tolist(),
        alarm=AlarmFigures.of(alarm, parts.alarm_counts) if alarm and parts.alarm_counts else None,
        intervals=intervals(parts.figures(), len(parts.videos)) if with_intervals else {},
        **values,
    )


def _frame_loss(videos: Sequence[LabelledFrames]) -> float:
    """The mean cross-entropy of the frames of videos; nan of none."""
    if not videos:
        return math.nan
    of_label_F = np.concatenate(
        [np.take_along_axis(v.scores_FC, v.labels_F[:, None], axis=1)[:, 0] for v in videos]
    )
    return float(-np.log(np.maximum(of_label_F, _LEAST).astype(np.float64)).mean())
