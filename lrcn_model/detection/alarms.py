"""Onset delay and false alarms: how soon a class is noticed, and how often where it isn't.

An alarm is a run of frames whose highest score is the class's, if it lasts long enough. A true
segment of the class is detected if some frame of it is in an alarm, and its delay is from its start
to the first such frame: 0 for an alarm that began before it. One without is missed, and has no
delay. An alarm is false if no frame of it is in a true segment; they are counted per hour of
labelled video. Runs are those of `runs`, over labelled frames alone.

A delay leaves out how long an alarm has to last: what waits for that to sound comes as much later.
False alarms per hour are what detectors of falls, keywords and intruders are judged by, against
misses and delays; so are those of events in surveillance video (NIST, "2008 TRECVid Event Detection
Evaluation Plan").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from lrcn_model.detection.drawn import by_name, share
from lrcn_model.detection.frame_track import Floats, Ints, LabelledFrames
from lrcn_model.detection.runs import predicted_runs, true_runs
from lrcn_model.figures.intervals import DrawnFigure

_HOUR = 3600.0

_ROUNDING = 1e-5
"""How much too short a run may be, in seconds: times are rounded to a millionth of a second."""

NAMES = ("detected_share", "delay_mean", "delay_median", "false_alarms_an_hour")


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """What raises an alarm.

    Attributes:
        label: The number of the class.
        min_length: How long a run of it has to last, in seconds.
    """

    label: int
    min_length: float = 0.0


class AlarmCounts(NamedTuple):
    """The true segments of the class and the alarms of each video.

    Attributes:
        segments_V: The number of true segments, float64 (videos,).
        detected_V: The number of those that are detected, float64 (videos,).
        false_V: The number of false alarms, float64 (videos,).
        hours_V: How long the labelled frames last, in hours, float64 (videos,).
        delays_S: The delay of each detected segment in seconds, ascending, float64 (detected,).
        videos_S: The number of its video, int64 (detected,).
    """

    segments_V: Floats
    detected_V: Floats
    false_V: Floats
    hours_V: Floats
    delays_S: Floats
    videos_S: Ints

    @classmethod
    def of(cls, videos: Sequence[LabelledFrames], alarm: Alarm) -> Self:
        """Find the segments and alarms of each video."""
        found = [_delays_and_false(frames, alarm) for frames in videos]
        delays = [np.zeros(0), *(delays_S for delays_S, _ in found)]
        missed_or_delay = np.concatenate(delays)
        numbers = np.repeat(np.arange(len(videos)), [len(one) for one in delays[1:]])
        detected = ~np.isnan(missed_or_delay)
        order = np.argsort(missed_or_delay[detected], kind="stable")
        return cls(
            segments_V=np.array([len(one) for one in delays[1:]], np.float64),
            detected_V=np.bincount(numbers[detected], minlength=len(videos)).astype(np.float64),
            false_V=np.array([false for _, false in found], np.float64),
            hours_V=np.array([(one.ends_F - one.starts_F).sum() / _HOUR for one in videos]),
            delays_S=missed_or_delay[detected][order],
            videos_S=numbers[detected][order],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmFigures:
    """How soon and how wrongly a class is noticed; nan where nothing was counted.

    Attributes:
        label: The number of the class.
        min_length: How long an alarm has to last, in seconds.
        segments: The number of true segments of the class.
        detected: The number of those that are detected.
        detected_share: The share of the segments that is detected.
        delay_mean: The mean delay of the detected segments, in seconds.
        delay_median: The median of these delays.
        false_alarms: The number of alarms that are false.
        hours: How long the labelled frames of all videos last, in hours.
        false_alarms_an_hour: The number of false alarms over these hours.
    """

    label: int
    min_length: float
    segments: int
    detected: int
    detected_share: float
    delay_mean: float
    delay_median: float
    false_alarms: int
    hours: float
    false_alarms_an_hour: float

    @classmethod
    def of(cls, alarm: Alarm, counts: AlarmCounts) -> Self:
        """The figures of all videos."""
        every_video_once = np.ones((1, len(counts.segments_V)))
        drawn = drawn_alarm_figures(counts)
        return cls(
            label=alarm.label,
            min_length=alarm.min_length,
            segments=int(counts.segments_V.sum()),
            detected=len(counts.delays_S),
            false_alarms=int(counts.false_V.sum()),
            hours=float(counts.hours_V.sum()),
            **{name: float(figure(every_video_once)[0]) for name, figure in drawn.items()},
        )


def drawn_alarm_figures(counts: AlarmCounts) -> dict[str, DrawnFigure]:
    """The figures of alarms that have intervals of confidence.

    Args:
        counts: The segments and alarms of each video.
    """
    sums_V = np.bincount(counts.videos_S, counts.delays_S, minlength=len(counts.segments_V))

    def figures(counts_DV: Floats) -> Floats:
        detected_D = counts_DV @ counts.detected_V
        return np.stack(
            [
                share(detected_D, counts_DV @ counts.segments_V),
                share(counts_DV @ sums_V, detected_D),
                np.array([_median(counts.delays_S, row_V[counts.videos_S]) for row_V in counts_DV]),
                share(counts_DV @ counts.false_V, counts_DV @ counts.hours_V),
            ]
        )

    return by_name(NAMES, figures)


def _delays_and_false(frames: LabelledFrames, alarm: Alarm) -> tuple[Floats, int]:
    """The delay of each true segment in seconds, nan where it is missed, and the false alarms."""
    true = true_runs(frames).of_class(alarm.label)
    raised = predicted_runs(frames).of_class(alarm.label)
    long_S = raised.ends(frames) - raised.starts(frames) >= alarm.min_length - _ROUNDING
    first_A, behind_A = raised.first_S[long_S], raised.behind_S[long_S]
    # each segment with each alarm
    first_SA = np.maximum(true.first_S[:, None], first_A)
    meet_SA = first_SA < np.minimum(true.behind_S[:, None], behind_A)
    never = len(frames.starts_F)
    noticed_S = np.where(meet_SA, first_SA, never).min(axis=1, initial=never)
    delays_S = np.append(frames.starts_F, np.nan)[noticed_S] - true.starts(frames)
    return delays_S, int((~meet_SA.any(axis=0)).sum())


def _median(values_S: Floats, counts_S: Floats) -> float:
    """The median of ascending values, each of which is there so many times; nan of none."""
    places_S = np.cumsum(counts_S)
    total = int(places_S[-1]) if len(places_S) else 0
    if not total:
        return float("nan")
    # places are counted from 1; of an odd number both are the same
    middle = [(total + 1) // 2, total // 2 + 1]
    return float(values_S[np.searchsorted(places_S, middle)].mean())
