"""Several evaluations of labels in time together: of folds, of seeds, or of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrcn_data.errors import UsageError
from lrcn_model.detection.detection_result import DetectionResult, detection_result
from lrcn_model.figures.json_figures import without_nan
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime

FIGURES = ("frame_map", "frame_accuracy", "f1_10", "f1_25", "f1_50", "edit", "temporal_map")
"""The figures that are summed up."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SummaryInTime:
    """What several evaluations say together.

    Figures of detection are no means over videos, so those of all folds are computed over the
    videos of all folds together: once for each repetition, such as a seed.

    Attributes:
        folds: The evaluations of each fold, those of a repetition at the same place in each.
        pooled: The figures over the videos of all folds, of each repetition.
    """

    folds: Sequence[Sequence[EvaluationInTime]]
    pooled: Sequence[DetectionResult]

    def median(self, figure: str) -> float:
        """The median of a pooled figure over the repetitions, of two the mean of both."""
        return float(np.median([getattr(result, figure) for result in self.pooled]))

    def report(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return {
            "folds": [
                [
                    {
                        "run": found.run,
                        "evaluation": found.kept and str(found.kept),
                        **{name: without_nan(getattr(found.result, name)) for name in FIGURES},
                    }
                    for found in fold
                ]
                for fold in self.folds
            ],
            "pooled": [result.report() for result in self.pooled],
            "medians": {name: without_nan(self.median(name)) for name in FIGURES},
        }


def summarize_in_time(evaluations: Sequence[EvaluationInTime]) -> SummaryInTime:
    """Sum up evaluations of labels in time.

    Args:
        evaluations: The evaluations, at least one, made alike: with the same classes, background
            and alarm. Those of the same shards are repetitions of one fold, in their order.

    Raises:
        UsageError: There is none, they were not made alike, folds differ in their number of
            repetitions, or a video is in two folds.
    """
    if not evaluations:
        raise UsageError("there is no evaluation to sum up; name some")
    first = evaluations[0]
    by_shards: dict[frozenset[str], list[EvaluationInTime]] = {}
    for found in evaluations:
        for what, one, other in (
            ("classes", first.classes, found.classes),
            ("background classes", first.result.background, found.result.background),
            ("alarms", first.alarm, found.alarm),
        ):
            if one != other:
                raise UsageError(
                    f"{first.run} and {found.run} were evaluated with other {what}; evaluate all"
                    " runs alike"
                )
        by_shards.setdefault(frozenset(s.sha256 for s in found.shards), []).append(found)
    folds = list(by_shards.values())
    counts = {len(fold) for fold in folds}
    if len(counts) > 1:
        raise UsageError(
            f"some folds were evaluated {min(counts)} times, others {max(counts)} times; name"
            " equally many runs of each"
        )
    pooled = [
        detection_result(
            [track for fold in folds for track in fold[repetition].tracks],
            background=first.result.background,
            alarm=first.alarm,
            with_intervals=False,
            skipped=sum(fold[repetition].result.skipped for fold in folds),
            failed=sum(fold[repetition].result.failed for fold in folds),
        )
        for repetition in range(counts.pop())
    ]
    return SummaryInTime(folds=folds, pooled=pooled)
