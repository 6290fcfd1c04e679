"""What a page shows of one run's evaluation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lrcn_data.errors import LrcnError
from lrcn_model.figures.intervals import METHOD, Interval
from lrcn_model.figures.json_figures import with_nan
from lrcn_model.reporting.class_table import ClassTable, classes_in_time, classes_of_videos
from lrcn_model.reporting.clip_frames import FrameReader, open_scored
from lrcn_model.reporting.figure_texts import Figures, figures_in_time, figures_of_videos, percent
from lrcn_model.reporting.matrix import Matrix, matrix
from lrcn_model.reporting.run_contents import RunContents
from lrcn_model.reporting.segment_clips import SegmentClips
from lrcn_model.reporting.shown_clip import Bools, Floats, RunClips
from lrcn_model.reporting.timelines import Timeline, timelines
from lrcn_model.reporting.video_clips import VideoClips
from lrcn_model.scoring.calibration import at_temperature, labels_of, log_probabilities
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime
from lrcn_model.scoring.reliability import ReliabilityBin, reliability
from lrcn_model.scoring.scorer import Result, VideoScores
from lrcn_model.scoring.set_scorer import set_matrix


class ReliabilityDiagram(NamedTuple):
    """How often answers are right that are equally sure.

    Attributes:
        title: Whose probabilities these are.
        bins: The answers, by their probability.
        error: The expected calibration error, as a text.
    """

    title: str
    bins: list[ReliabilityBin]
    error: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunSection:
    """What a page shows of a run.

    Attributes:
        letter: By what the run is marked on the page.
        run: What its folder holds.
        classes: The class names, by class number.
        figures: All figures; none where the run was not evaluated.
        in_time: Whether labels are in time.
        matrices: Confusion matrices.
        class_table: What is said of each class; None where the run was not evaluated.
        diagrams: Reliability diagrams.
        lines: Timelines.
        clips: The clips that may be shown; None where the run was not evaluated, or only by its
            training.
        frames: Reads their frames; None where the shards are gone.
        without_frames: The reason why no frames are shown; empty where they are.
    """

    letter: str
    run: RunContents
    classes: Sequence[str]
    figures: Figures
    in_time: bool = False
    matrices: Sequence[Matrix] = ()
    class_table: ClassTable | None = None
    diagrams: Sequence[ReliabilityDiagram] = ()
    lines: Sequence[Timeline] = ()
    clips: RunClips | None = None
    frames: FrameReader | None = None
    without_frames: str = ""


def run_section(letter: str, run: RunContents, plugins: Collection[str]) -> RunSection:
    """Find out what a page shows of a run.

    Args:
        letter: By what the run is marked on the page.
        run: What its folder holds.
        plugins: Names of the plug-ins that may be imported, in case one has made the frames.

    Raises:
        LrcnError: The scores of the evaluation are missing or damaged.
    """
    found = run.evaluation
    if found is None:
        classes = run.record.get("classes") or []
        return RunSection(letter=letter, run=run, classes=classes, figures=Figures([], []))
    frames, without_frames = None, ""
    try:
        frames = open_scored(found.shards, run.folder, run.evaluation_record, plugins)
    except LrcnError as error:
        without_frames = str(error)
    values: dict[str, Any] = {"frames": frames, "without_frames": without_frames}
    if isinstance(found, Evaluation):
        values |= _of_videos(found, run)
    else:
        values |= _in_time(found, run)
    return RunSection(letter=letter, run=run, classes=found.classes, **values)


def _of_videos(found: Evaluation, run: RunContents) -> dict[str, Any]:
    clips = VideoClips(found, run.evaluation_record)
    if not isinstance(found.result, Result):
        sets_VC = set_matrix([video.classes for video in found.videos], len(found.classes))
        probs_VC = clips.probabilities
        return {
            "figures": figures_of_videos(found, None),
            "class_table": classes_of_videos(found, None),
            "diagrams": [_diagram("each class of each video", probs_VC.ravel(), sets_VC.ravel())],
            "clips": clips if clips.are_kept else None,
        }
    frames = clips.frame_confusion if clips.are_kept else None
    matrices = [matrix("videos", "Recognition: videos", found.result.confusion)]
    if frames is not None:
        matrices.append(matrix("frames", "Detection: frames", frames))
    return {
        "figures": figures_of_videos(found, frames),
        "matrices": matrices,
        "class_table": classes_of_videos(found, frames),
        "diagrams": _calibration(found),
        "clips": clips if clips.are_kept else None,
    }


def _calibration(found: Evaluation) -> list[ReliabilityDiagram]:
    """The probabilities of recognized classes, as the net says them, and calibrated."""
    videos = [video for video in found.videos if isinstance(video, VideoScores)]
    log_probs_VC, labels_V = log_probabilities(videos, found.average), labels_of(videos)
    right_V = log_probs_VC.argmax(axis=1) == labels_V
    titles = {"as the net says them": 1.0}
    if found.calibration:
        titles[f"calibrated, temperature {found.temperature:.3g}"] = found.temperature
    return [
        _diagram(title, np.exp(at_temperature(log_probs_VC, degree)).max(axis=1), right_V)
        for title, degree in titles.items()
    ]


def _in_time(found: EvaluationInTime, run: RunContents) -> dict[str, Any]:
    classes = len(found.classes)
    scored = [track.labelled() for track in found.tracks]
    counts = np.zeros((classes, classes), np.int64)
    for frames in scored:
        np.add.at(counts, (frames.labels_F, frames.predicted_F), 1)
    probs = [frames.scores_FC.max(axis=1) for frames in scored]
    right = [frames.labels_F == frames.predicted_F for frames in scored]
    diagram = _diagram("each labelled frame", np.concatenate(probs), np.concatenate(right))
    alarm = found.classes[found.alarm.label] if found.alarm else None
    # those that were kept: finding them takes most of an evaluation's time
    kept = run.evaluation_record["figures"]["intervals"]
    intervals = {n: Interval(*with_nan(ends)) for n, ends in kept.items() if n not in METHOD}
    return {
        "in_time": True,
        "figures": figures_in_time(found.result, intervals, alarm),
        "matrices": [matrix("segments", "Detection: frames", counts)],
        "class_table": classes_in_time(found.result, found.classes),
        "diagrams": [diagram],
        "lines": timelines(found.tracks),
        "clips": SegmentClips(found),
    }


def _diagram(title: str, probs_N: Floats, right_N: Bools) -> ReliabilityDiagram:
    bins = reliability(np.asarray(probs_N, np.float64), right_N)
    total = sum(one.answers for one in bins)
    error = sum(one.answers * abs(one.probability - one.right) for one in bins) / max(1, total)
    return ReliabilityDiagram(title, bins, percent(error))
