"""Several evaluations in one figure: over the folds of a cross-validation, and over seeds.

Evaluations of the same shards are of one fold, by one seed each. A fold's figure is the mean of its
evaluations'; their mean is given with the standard deviation over the folds. Beside it, all folds'
videos are pooled: each counts once, by the share of the evaluations that are right about it, and an
interval of confidence comes from drawing videos.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrcn_data.errors import UsageError
from lrcn_model.figures.intervals import METHOD, Interval, intervals, mean_of
from lrcn_model.figures.json_figures import without_nan
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.video_sums import VideoIdentity


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fold:
    """The evaluations of the same shards, which are of one fold.

    Attributes:
        evaluations: The evaluations, by one seed each.
    """

    evaluations: Sequence[Evaluation]

    @property
    def figures(self) -> list[float]:
        """The figure of each evaluation: its accuracy, or mAP where videos have sets of classes."""
        return [getattr(e.result, e.result.MAIN_FIGURE) for e in self.evaluations]

    @property
    def mean(self) -> float:
        """The mean of the evaluations' figures."""
        return float(np.mean(self.figures))

    @property
    def deviation(self) -> float:
        """Their standard deviation (n - 1); nan of one evaluation."""
        return _deviation(self.figures)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Summary:
    """What several evaluations say together.

    Attributes:
        folds: The folds, in the order of their first evaluations.
        right: How far each video is right, as the mean over the evaluations that scored it, from 0
            to 1.
        interval: The interval of confidence of their mean, `pooled`; None with fewer than two
            videos.
    """

    folds: Sequence[Fold]
    right: Mapping[VideoIdentity, float]
    interval: Interval | None

    @property
    def figure(self) -> str:
        """The name of the figure of each evaluation: accuracy, or mean_average_precision."""
        return self.folds[0].evaluations[0].result.MAIN_FIGURE

    @property
    def mean(self) -> float:
        """The mean of the folds' figures."""
        return float(np.mean([fold.mean for fold in self.folds]))

    @property
    def deviation(self) -> float:
        """The standard deviation (n - 1) of the folds' figures; nan of one fold."""
        return _deviation([fold.mean for fold in self.folds])

    @property
    def pooled(self) -> float:
        """The accuracy over the videos of all folds, from 0 to 1, each of which counts once."""
        return float(np.mean(list(self.right.values())))

    def report(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        interval = {} if self.interval is None else {"pooled_accuracy": without_nan(self.interval)}
        return {
            "figure": self.figure,
            "folds": [_fold_report(fold) for fold in self.folds],
            "mean": self.mean,
            "standard_deviation": without_nan(self.deviation),
            "pooled_videos": len(self.right),
            "pooled_accuracy": self.pooled,
            "intervals": {**METHOD, **interval},
        }


def summarize(evaluations: Sequence[Evaluation]) -> Summary:
    """Sum up evaluations: of folds, of several seeds, or of both.

    Args:
        evaluations: The evaluations, at least one, made alike: with the same classes, views, and
            kind of vote.

    Raises:
        UsageError: There is none, they were not made alike, or one is there twice.
    """
    if not evaluations:
        raise UsageError("there is no evaluation to sum up; name some")
    _check(evaluations)
    by_shards: dict[frozenset[str], list[Evaluation]] = {}
    right: dict[VideoIdentity, list[float]] = {}
    for found in evaluations:
        by_shards.setdefault(_shards_of(found), []).append(found)
        for video in found.videos:
            right.setdefault(video.identity, []).append(video.right)
    shares = {video: float(np.mean(right[video])) for video in sorted(right)}
    pooled = intervals({"pooled": mean_of(list(shares.values()))}, len(shares))
    return Summary(
        folds=[Fold(evaluations=of_fold) for of_fold in by_shards.values()],
        right=shares,
        interval=pooled.get("pooled"),
    )


def pooled_difference(first: Summary, second: Summary) -> tuple[float, Interval | None]:
    """How far the pooled accuracies of two summaries of the same videos differ.

    Args:
        first: The one summary.
        second: The other one.

    Returns:
        The accuracy of the first less that of the second, and its interval of confidence, for which
        both have the same videos in each draw; None with fewer than two videos.

    Raises:
        UsageError: They are not of the same videos.
    """
    if first.right.keys() != second.right.keys():
        common = len(first.right.keys() & second.right.keys())
        raise UsageError(
            f"the summaries are of {len(first.right)} and {len(second.right)} videos, of which"
            f" {common} are the same; evaluate both on the same shards"
        )
    difference_V = np.array([first.right[video] - second.right[video] for video in first.right])
    found = intervals({"difference": mean_of(difference_V)}, len(difference_V))
    return float(difference_V.mean()), found.get("difference")


def _check(evaluations: Sequence[Evaluation]) -> None:
    """Refuse evaluations that make no summary.

    Raises:
        UsageError: They were not made alike, or one is there twice.
    """
    first = evaluations[0]
    seen = set()
    for found in evaluations:
        for what, one, other in (
            ("views", first.views.describe(), found.views.describe()),
            ("averaged scores", first.average, found.average),
            ("classes", first.classes, found.classes),
        ):
            if one != other:
                shown = f": {one} and {other}" if isinstance(one, str) else ""
                raise UsageError(
                    f"{first.run} and {found.run} were evaluated with other {what}{shown};"
                    " evaluate all runs alike"
                )
        identity = (found.run, tuple(sorted(found.weights.items())), _shards_of(found))
        if identity in seen:
            raise UsageError(f"{found.run} is there twice with the same shards; name it once")
        seen.add(identity)


def _shards_of(found: Evaluation) -> frozenset[str]:
    """The fold that an evaluation is of: the shards that were scored."""
    return frozenset(shard.sha256 for shard in found.shards)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _fold_report(fold: Fold) -> dict[str, Any]:
    return {
        "videos": fold.evaluations[0].result.videos,
        "mean": without_nan(fold.mean),
        "standard_deviation": without_nan(fold.deviation),
        "runs": [
            {"run": found.run, "evaluation": found.kept and str(found.kept), "figure": figure}
            for found, figure in zip(fold.evaluations, without_nan(fold.figures), strict=True)
        ],
    }
