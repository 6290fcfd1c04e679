"""The tables that `lrcn-eval` prints of labels in time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lrcn_model.detection.figure_names import FRACTIONS

from .evaluation_tables import interval_text, percent, print_classes, print_figures

if TYPE_CHECKING:
    from lrcn_model.detection.alarms import AlarmFigures
    from lrcn_model.detection.detection_comparison import DetectionComparison
    from lrcn_model.figures.intervals import Interval
    from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
    from lrcn_model.scoring.summary_in_time import SummaryInTime

_OF_ALARMS = {
    "detected_share": "detected",
    "delay_mean": "onset delay, mean",
    "delay_median": "onset delay, median",
    "false_alarms_an_hour": "false alarms an hour",
}


def print_detection(found: EvaluationInTime) -> None:
    """Print all figures of an evaluation, and those of each class."""
    print_figures({found.run: _figures(found)})
    print_classes(found.class_table, found.files)


def print_detection_comparison(
    first: EvaluationInTime, second: EvaluationInTime, compared: DetectionComparison
) -> None:
    """Print the figures of two evaluations side by side, and how far they differ."""
    columns = {f"A: {first.run}": _figures(first), f"B: {second.run}": _figures(second)}
    print_figures(columns)
    differences = {
        title: _points(compared.differences[name], compared.intervals.get(name))
        for name, title in FRACTIONS.items()
        if name in compared.differences
    }
    print_figures({"A less B, in points": differences})
    if first.result.alarm:
        name = first.classes[first.result.alarm.label]
        print_figures({f"A less B: {name}": _alarm_differences(compared)})


def print_detection_summary(found: SummaryInTime) -> None:
    """Print the figures of the videos of all folds, and their median over repetitions."""
    from lrcn_model.scoring.summary_in_time import FIGURES

    columns: dict[str, Mapping[str, str | None]] = {
        f"repetition {number}": {
            "videos": f"{result.videos:,}",
            **{FRACTIONS[name]: percent(getattr(result, name)) for name in FIGURES},
            **(_alarm_figures(result.alarm, {}) if result.alarm else {}),
        }
        for number, result in enumerate(found.pooled, 1)
    }
    if len(found.pooled) > 1:
        columns["median"] = {FRACTIONS[name]: percent(found.median(name)) for name in FIGURES}
    folds = len(found.folds)
    caption = f"over the videos of {folds} folds together" if folds > 1 else None
    print_figures(columns, caption=caption)


def _figures(found: EvaluationInTime) -> dict[str, str | None]:
    result = found.result
    shown: dict[str, str | None] = {
        title: percent(getattr(result, name), result.intervals.get(name))
        for name, title in FRACTIONS.items()
    }
    if result.alarm:
        name = found.classes[result.alarm.label]
        figures = _alarm_figures(result.alarm, result.intervals)
        shown |= {f"{name}: {title}": figure for title, figure in figures.items()}
    return shown | {
        "background": ", ".join(found.classes[n] for n in result.background) or None,
        "segments, predicted": f"{result.segments:,}, {result.predicted_segments:,}",
        "loss a frame": f"{result.frame_loss:.4f}",
        "frames, unlabelled ones": f"{result.frames:,}, {result.unlabelled_frames:,}",
        "videos, unlabelled ones": f"{result.videos:,}, {result.unlabelled_videos:,}",
        "videos skipped as too short": f"{result.skipped:,}",
        "videos failed": f"{result.failed:,}",
    }


def _alarm_figures(alarm: AlarmFigures, intervals: Mapping[str, Interval]) -> dict[str, str]:
    share = percent(alarm.detected_share, intervals.get("detected_share"))
    hours = f"{alarm.false_alarms:,} in {alarm.hours:.2f} hours"
    return {
        _OF_ALARMS["detected_share"]: f"{alarm.detected:,} of {alarm.segments:,}, {share}",
        _OF_ALARMS["delay_mean"]: _seconds(alarm.delay_mean),
        _OF_ALARMS["delay_median"]: _seconds(alarm.delay_median),
        _OF_ALARMS["false_alarms_an_hour"]: f"{alarm.false_alarms_an_hour:.1f} ({hours})",
    }


def _seconds(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f} s"


def _points(difference: float, interval: Interval | None) -> str:
    ends = interval_text(interval)
    shown = "-" if math.isnan(difference) else f"{100 * difference:+.1f}"
    return f"{shown} (95 % interval {ends})" if ends else shown


def _alarm_differences(compared: DetectionComparison) -> dict[str, str]:
    """How far the alarms of two runs differ, each figure in its unit."""
    units = {"detected_share": (100, " points"), "false_alarms_an_hour": (1, "")}
    shown = {}
    for name, title in _OF_ALARMS.items():
        factor, unit = units.get(name, (1, " s"))
        value, interval = compared.differences[name], compared.intervals.get(name)
        text = "-" if math.isnan(value) else f"{factor * value:+.2f}{unit}"
        if interval and not math.isnan(interval.low):
            low, high = (f"{factor * end:+.2f}" for end in (interval.low, interval.high))
            text += f" (95 % interval {low} to {high})"
        shown[title] = text
    return shown
