"""The figures of an evaluation as people read them: of recognition and of detection, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.detection.figure_names import FRACTIONS
from lrcn_model.figures.intervals import Interval
from lrcn_model.reporting.shown_clip import Ints
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.scorer import Result
from lrcn_model.scoring.set_scorer import SetResult

NAMES = {
    "accuracy": "video accuracy",
    "mean_class_accuracy": "video accuracy, mean over classes",
    "mean_average_precision": "mean average precision (mAP)",
}
"""What the figures of recognition are called that have intervals, by their names in a result."""

OVERLAP = "video accuracy (overlap of classes)"
"""What accuracy is where videos have sets of classes."""


class Figure(NamedTuple):
    """A figure as it is shown.

    Attributes:
        name: What it is.
        value: The value as a text.
        interval: Its interval of confidence as a text; empty where there is none.
    """

    name: str
    value: str
    interval: str = ""


class Figures(NamedTuple):
    """All figures of an evaluation, the main one first.

    Attributes:
        recognition: Those of the class of each video.
        detection: Those of the class of each frame.
    """

    recognition: list[Figure]
    detection: list[Figure]

    @property
    def main(self) -> list[Figure]:
        """The first figure of each."""
        return [figures[0] for figures in self if figures]


def figures_of_videos(found: Evaluation, frame_confusion: Ints | None) -> Figures:
    """The figures where videos are labelled as a whole.

    Args:
        found: The evaluation.
        frame_confusion: How often frames of each class are taken for each, int64 (classes,
            classes); None where videos have sets of classes, or frames' scores weren't kept.
    """
    if isinstance(found.result, SetResult):
        return Figures(_of_sets(found.result, found.intervals), [])
    return Figures(_recognition(found, found.result), _detection(found.result, frame_confusion))


def figures_in_time(
    found: DetectionResult, intervals: Mapping[str, Interval], alarm: str | None
) -> Figures:
    """The figures where labels are in time.

    Args:
        found: The figures.
        intervals: Their intervals of confidence, by name.
        alarm: The name of the class that alarms are of; None where none was named.
    """
    shares = [
        share_figure(title, getattr(found, name), intervals.get(name))
        for name, title in FRACTIONS.items()
    ]
    alarms = []
    if found.alarm and alarm is not None:
        delay = found.alarm.delay_median
        shown = "-" if math.isnan(delay) else f"{delay:.2f} s"
        detected = f"{found.alarm.detected:,} of {found.alarm.segments:,}"
        alarms = [
            Figure(f"{alarm}: noticed", detected),
            Figure(f"{alarm}: onset delay, median", shown),
            Figure(f"{alarm}: false alarms an hour", f"{found.alarm.false_alarms_an_hour:.1f}"),
        ]
    counts = [
        Figure("loss a frame", f"{found.frame_loss:.4f}"),
        Figure("segments, predicted ones", f"{found.segments:,}, {found.predicted_segments:,}"),
        Figure("frames, unlabelled ones", f"{found.frames:,}, {found.unlabelled_frames:,}"),
        *_video_counts(found.videos, found.skipped, found.failed),
    ]
    return Figures([], [*shares, *alarms, *counts])


def share_figure(name: str, share: float | None, interval: Interval | None = None) -> Figure:
    """A figure that is a share, from 0 to 1, in percent; a dash where nothing was counted."""
    return Figure(name, percent(share), _ends(interval))


def points_figure(name: str, difference: float, interval: Interval | None) -> Figure:
    """A difference of shares, in percentage points."""
    shown = "-" if math.isnan(difference) else f"{100 * difference:+.1f}"
    return Figure(name, shown, _ends(interval, sign="+"))


def percent(share: float | None) -> str:
    """A share in percent; a dash where nothing was counted."""
    return "-" if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def _ends(interval: Interval | None, sign: str = "") -> str:
    if interval is None or math.isnan(interval.low):
        return ""
    return " to ".join(f"{100 * end:{sign}.1f}" for end in interval)


def _recognition(found: Evaluation, result: Result) -> list[Figure]:
    calibrated = found.figures(found.temperature)
    unscored = share_figure(
        f"{NAMES['accuracy']}, unscored ones as wrong", result.accuracy_skipped_wrong
    )
    return [
        *(
            share_figure(NAMES[name], getattr(result, name), found.intervals.get(name))
            for name in ("accuracy", "mean_class_accuracy")
        ),
        *([unscored] if result.skipped or result.failed else []),
        *([share_figure("video accuracy, top 5", result.top5)] if result.top5 is not None else []),
        share_figure("clip accuracy", result.clip_accuracy),
        Figure("loss a video", f"{calibrated.nll:.4f}"),
        share_figure("calibration error", calibrated.ece),
        *_video_counts(result.videos, result.skipped, result.failed),
    ]


def _detection(result: Result, frame_confusion: Ints | None) -> list[Figure]:
    means = []
    if frame_confusion is not None:
        own_C = frame_confusion.sum(axis=1)
        there_C = own_C > 0
        shares_C = frame_confusion.diagonal()[there_C] / own_C[there_C]
        mean = float(shares_C.mean()) if there_C.any() else math.nan
        means = [share_figure("frame accuracy, mean over classes", mean)]
    return [
        share_figure("frame accuracy", result.frame_accuracy),
        *means,
        Figure("loss a frame", f"{result.frame_loss:.4f}"),
        Figure("frames with a class", f"{result.frames:,}"),
    ]


def _of_sets(result: SetResult, intervals: Mapping[str, Interval]) -> list[Figure]:
    names = {"mean_average_precision": NAMES["mean_average_precision"], "accuracy": OVERLAP}
    return [
        *(share_figure(t, getattr(result, n), intervals.get(n)) for n, t in names.items()),
        share_figure("F1, of all classes together", result.micro_f1),
        share_figure("F1, mean over classes", result.macro_f1),
        Figure("loss a frame and class", f"{result.frame_loss:.4f}"),
        *_video_counts(result.videos, result.skipped, result.failed),
    ]


def _video_counts(videos: int, skipped: int, failed: int) -> list[Figure]:
    left_out = {"too short": skipped, "failed": failed}
    return [
        Figure("videos", f"{videos:,}"),
        *(
            Figure(f"videos left out: {why}", f"{count:,}")
            for why, count in left_out.items()
            if count
        ),
    ]
