"""What an evaluation has found where labels are in time: the frames of videos, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_comparison import DetectionComparison, compare_detection
from lrcn_model.detection.detection_result import DetectionResult
from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.figures.class_table import F1, ClassTable
from lrcn_model.scoring.evaluation import ScoredShard
from lrcn_model.scoring.views import Views


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EvaluationInTime:
    """How right a net is on videos with labels in time.

    Attributes:
        run: The path or URL of the run, as it was given.
        weights: The epoch, the step and the validation that the run's weights were kept for.
        result: All figures, with their intervals.
        tracks: All frames of each video, sorted by path.
        classes: The class names, by class number.
        first: Whether this is the process, of several, that reports what was found.
        differences: In what the windows were sampled otherwise than those that the net was trained
            on; a phrase for each difference.
        views: In which views each window was scored; a frame counts once, whatever its views.
        shards: The shards that were scored.
        alarm: The class whose onset delay and false alarms are counted; None where none was named.
        kept: The .json file that it is kept in; see `kept_in_time`. None where it isn't.
        not_kept: The reason why it couldn't be kept; None where it was, or wasn't to be.
        files: Tables and pictures that were made of it, for people to look at.
        not_made: A sentence for each of these that couldn't be made.
    """

    run: str
    weights: Mapping[str, Any]
    result: DetectionResult
    tracks: Sequence[FrameTrack]
    classes: list[str]
    first: bool
    differences: list[str]
    views: Views
    shards: Sequence[ScoredShard]
    alarm: Alarm | None = None
    kept: Path | str | None = None
    not_kept: str | None = None
    files: Sequence[Path | str] = ()
    not_made: Sequence[str] = ()

    @property
    def class_table(self) -> ClassTable:
        """How right the frames of each class are."""
        result = self.result
        figures = {
            "average precision": result.average_precision,
            "precision": result.precision,
            "recall": result.recall,
            F1: result.f1,
        }
        return ClassTable(
            classes=self.classes, things="frames", counts=result.class_frames, figures=figures
        )

    def report(self) -> dict[str, Any]:
        """All figures by name, as JSON can hold them: null where nothing was counted."""
        differences = {"differences": self.differences} if self.differences else {}
        views = {"views": self.views.name, "crop": self.views.cuts}
        return {**self.result.report(), **views, **differences, "classes": self.classes}


def compare_in_time(first: EvaluationInTime, second: EvaluationInTime) -> DetectionComparison:
    """Compare two evaluations of the same frames of the same videos.

    Raises:
        UsageError: They are of other frames or classes.
    """
    if first.classes != second.classes:
        raise UsageError(
            f"{first.run} and {second.run} were evaluated on other classes; evaluate both on the"
            " same shards"
        )
    return compare_detection(
        first.tracks, second.tracks, background=first.result.background, alarm=first.alarm
    )
