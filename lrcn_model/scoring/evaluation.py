"""What an evaluation has found: the scores of videos, and all figures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from lrcn_data.format.shard_reader import Shard
from lrcn_model.figures.class_table import F1, ClassTable
from lrcn_model.figures.intervals import (
    METHOD,
    DrawnFigure,
    Interval,
    mean_average_precision,
    mean_of,
    mean_over_classes,
)
from lrcn_model.figures.json_figures import with_nan, without_nan
from lrcn_model.scoring.calibration import (
    Calibration,
    CalibrationFigures,
    at_temperature,
    calibration_figures,
    labels_of,
    log_probabilities,
    probabilities,
)
from lrcn_model.scoring.class_figures import ClassFigures
from lrcn_model.scoring.label_kinds import (
    AnyResult,
    AnyVideoScores,
    json_result,
    read_result,
)
from lrcn_model.scoring.scorer import VideoScores
from lrcn_model.scoring.set_scorer import SetResult, set_matrix
from lrcn_model.scoring.video_vote import VOTES
from lrcn_model.scoring.views import Views


class ScoredShard(NamedTuple):
    """A shard that was scored.

    Attributes:
        file: The path or URL of the shard.
        split: The split that it is of.
        sha256: The SHA-256 of the shard, in hexadecimal.
    """

    file: str
    split: str
    sha256: str

    @classmethod
    def of(cls, shard: Shard) -> Self:
        """What is said of a shard that was opened."""
        return cls(shard.location, shard.entry.split, shard.entry.sha256)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evaluation:
    """How right a net is on shards.

    Attributes:
        run: The path or URL of the run, as it was given.
        weights: The epoch, the step and the validation that the run's weights were kept for.
        result: All figures; a `SetResult` where clips have sets of classes.
        videos: The scores of each video, sorted by path.
        classes: The class names, by class number.
        first: Whether this is the process, of several, that reports what was found.
        differences: In what the clips were sampled otherwise than those that the net was trained
            on; a phrase for each difference.
        average: Which scores of a video's frames were averaged.
        views: In which views each clip was scored; a clip counts once, whatever its views.
        shards: The shards that were scored.
        intervals: The interval of confidence of some of the result's figures, by the figure's name;
            none with fewer than two videos.
        by_class: How right the recognition of each class is.
        calibration: How the run corrects the probabilities of these scores; None where it doesn't.
        kept: The .json file that it is kept in; see `kept_evaluations`. Its path or, of a run
            in a store, its URL. None where it isn't.
        not_kept: The reason why it couldn't be kept; None where it was, or wasn't to be.
        files: Tables and pictures that were made of it, for people to look at.
        not_made: A sentence for each of these that couldn't be made.
    """

    run: str
    weights: Mapping[str, Any]
    result: AnyResult
    videos: Sequence[AnyVideoScores]
    classes: list[str]
    first: bool
    differences: list[str]
    average: str
    views: Views
    shards: Sequence[ScoredShard]
    intervals: Mapping[str, Interval]
    by_class: ClassFigures
    calibration: Calibration | None = None
    kept: Path | str | None = None
    not_kept: str | None = None
    files: Sequence[Path | str] = ()
    not_made: Sequence[str] = ()

    @classmethod
    def from_report(cls, report: Mapping[str, Any], **values: Any) -> Self:
        """Read an evaluation back.

        Args:
            report: What `report` has made of it.
            **values: Attributes that the report doesn't have.

        Raises:
            KeyError, TypeError, ValueError: The report isn't one.
        """
        intervals, calibrated = report["intervals"], report.get("calibrated")
        by_class = {f.name: with_nan(report[f.name]) for f in fields(ClassFigures)}
        return cls(
            result=read_result(report),
            classes=report["classes"],
            first=True,
            differences=report.get("differences", []),
            average=report["average"],
            views=Views(name=report["views"], crop=report["crop"]),
            intervals={
                name: Interval(*with_nan(ends))
                for name, ends in intervals.items()
                if name not in METHOD
            },
            by_class=ClassFigures(**by_class),
            calibration=calibrated
            and Calibration.from_json({**calibrated, **calibrated["fitted_on"]}),
            **values,
        )

    @property
    def class_table(self) -> ClassTable:
        """How right the recognition of each class is."""
        one = self.by_class
        figures = {"precision": one.precision, "recall": one.recall, F1: one.f1}
        if isinstance(self.result, SetResult):
            figures = {"average precision": self.result.average_precision, **figures}
        return ClassTable(
            classes=self.classes, things="videos", counts=one.class_videos, figures=figures
        )

    @property
    def of_all_right(self) -> str | None:
        """What to know of the intervals where all videos are right; None where some are wrong."""
        videos = self.result.videos
        if not videos or self.result.accuracy < 1 or "accuracy" not in self.intervals:
            return None
        wrong = f"{300 / videos:.1f} %" if videos > 3 else "most"
        return (
            f"all {videos:,} videos are right, as they are in every draw of the bootstrap; up to"
            f" {wrong} of others may well be wrong (rule of three)"
        )

    @property
    def splits(self) -> dict[str, str]:
        """The split of each shard scored, by its SHA-256."""
        return {shard.sha256: shard.split for shard in self.shards}

    @property
    def calibrated_on(self) -> int:
        """The number of the shards scored that the calibration was fitted on."""
        return len(set(self.splits) & set(self.calibration.shards)) if self.calibration else 0

    @property
    def temperature(self) -> float:
        """What corrects the probabilities; 1 where nothing does."""
        return self.calibration.temperature if self.calibration else 1.0

    def probabilities(self) -> list[float]:
        """The probability of the class recognized in each video, as predicting says it.

        Nothing where videos have sets of classes.
        """
        videos = self._of_one_class()
        if not videos:
            return []
        best_V = probabilities(videos, VOTES[self.average], self.calibration).max(axis=1)
        return [float(probability) for probability in best_V]

    def figures(self, temperature: float = 1.0) -> CalibrationFigures:
        """How far the probabilities of videos of one class are what they say, at a temperature."""
        videos = self._of_one_class()
        log_probs_VC = at_temperature(log_probabilities(videos, self.average), temperature)
        return calibration_figures(log_probs_VC, labels_of(videos))

    def report(self) -> dict[str, Any]:
        """All figures by name, as JSON can hold them: null where nothing was counted."""
        differences = {"differences": self.differences} if self.differences else {}
        sets = isinstance(self.result, SetResult)
        return {
            **json_result(self.result),
            "average": self.average,
            "views": self.views.name,
            "views_a_clip": len(self.views),
            "crop": self.views.cuts,
            "intervals": {**METHOD, **without_nan(self.intervals)},
            **without_nan(asdict(self.by_class)),
            **differences,
            **({} if sets else self._calibration_report()),
            "classes": self.classes,
        }

    def _calibration_report(self) -> dict[str, Any]:
        """How far the probabilities are what they say, before and after calibration."""
        report: dict[str, Any] = {**asdict(self.figures()), "calibrated": None}
        if self.calibration:
            report["calibrated"] = {
                "temperature": self.temperature,
                **asdict(self.figures(self.temperature)),
                "fitted_on": {
                    "videos": self.calibration.videos,
                    "shards": self.calibration.shards,
                    "shards_scored_here": self.calibrated_on,
                },
            }
        return report

    def _of_one_class(self) -> list[VideoScores]:
        return [video for video in self.videos if isinstance(video, VideoScores)]


def drawn_figures(videos: Sequence[AnyVideoScores], classes: int) -> dict[str, DrawnFigure]:
    """The figures that have intervals of confidence, by the names that a result has them by.

    Args:
        videos: The videos' scores.
        classes: The number of classes.
    """
    right_V = np.array([video.right for video in videos])
    one_class = [video for video in videos if isinstance(video, VideoScores)]
    if one_class:
        by_class = mean_over_classes(right_V, labels_of(one_class))
        return {"accuracy": mean_of(right_V), "mean_class_accuracy": by_class}
    scores_VC = np.array([video.scores for video in videos]).reshape(-1, classes)
    sets_VC = set_matrix([video.classes for video in videos], classes)
    return {
        "mean_average_precision": mean_average_precision(scores_VC, sets_VC),
        "accuracy": mean_of(right_V),
    }
