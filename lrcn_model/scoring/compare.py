"""Two evaluations of the same videos side by side: is one better, or only luckier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lrcn_data.errors import UsageError
from lrcn_model.figures.intervals import METHOD, DrawnFigure, Interval, intervals
from lrcn_model.figures.json_figures import without_nan
from lrcn_model.scoring.evaluation import Evaluation, drawn_figures
from lrcn_model.scoring.label_kinds import AnyVideoScores
from lrcn_model.scoring.set_scorer import SetResult


class Agreement(NamedTuple):
    """How many videos each of two evaluations is right about.

    Attributes:
        both: The number of videos that both recognize.
        only_first: The number that only the first one does.
        only_second: The number that only the second one does.
        neither: The number that neither does.
    """

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def p_value(self) -> float:
        """How likely so uneven a number of videos is that one alone recognizes, were both as good.

        McNemar's test ("Note on the sampling error of the difference between correlated proportions
        or percentages", 1947), two-sided and exact: of the videos that one alone recognizes, each
        is the first one's with a probability of a half. 1 where there are none.
        """
        from scipy import stats

        uneven = self.only_first + self.only_second
        return float(stats.binomtest(self.only_first, uneven, 0.5).pvalue) if uneven else 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Comparison:
    """What two evaluations of the same videos say of each other.

    Attributes:
        first: The one evaluation.
        second: The other one.
        agreement: How many videos each is right about; None where videos have sets of classes, of
            which more or fewer are recognized.
        differences: Figures of the first less those of the second, by the figures' names.
        intervals: The interval of confidence of each difference: in each draw both have the same
            videos (see `intervals`). None of them with fewer than two videos.
    """

    first: Evaluation
    second: Evaluation
    agreement: Agreement | None
    differences: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def report(self) -> dict[str, Any]:
        """All that is compared, as JSON can hold it."""
        agreement = self.agreement
        return {
            "agreement": agreement and agreement._asdict(),
            "mcnemar_p": agreement and agreement.p_value,
            "differences": without_nan(self.differences),
            "intervals": {**METHOD, **without_nan(self.intervals)},
        }


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two evaluations of the same videos.

    They may be of two runs, or of one run whose clips were seen in other views.

    Args:
        first: The one evaluation.
        second: The other one.

    Raises:
        UsageError: They are not of the same videos, with the same classes.
    """
    pairs = _same_videos(first, second)
    one, other = ([pair[n] for pair in pairs] for n in range(2))
    classes = len(first.classes)
    figures = {
        name: _difference(figure, drawn_figures(other, classes)[name])
        for name, figure in drawn_figures(one, classes).items()
    }
    every_video_once = np.ones((1, len(pairs)))
    return Comparison(
        first=first,
        second=second,
        agreement=None if isinstance(first.result, SetResult) else _agreement(pairs),
        differences={name: float(figure(every_video_once)[0]) for name, figure in figures.items()},
        intervals=intervals(figures, len(pairs)),
    )


def _same_videos(
    first: Evaluation, second: Evaluation
) -> list[tuple[AnyVideoScores, AnyVideoScores]]:
    """The scores of each video in both evaluations.

    Raises:
        UsageError: One has a video or a class that the other doesn't.
    """
    if first.classes != second.classes:
        raise UsageError(
            f"{first.run} and {second.run} were evaluated on other classes; evaluate both on the"
            " same shards"
        )
    one, other = ({video.identity: video for video in e.videos} for e in (first, second))
    if one.keys() != other.keys():
        raise UsageError(
            f"{first.run} was evaluated on {len(one)} videos, {second.run} on {len(other)}, of"
            f" which {len(one.keys() & other.keys())} are the same; evaluate both on the same"
            " shards"
        )
    return [(one[identity], other[identity]) for identity in sorted(one)]


def _agreement(pairs: list[tuple[AnyVideoScores, AnyVideoScores]]) -> Agreement:
    right = [(bool(one.right), bool(other.right)) for one, other in pairs]
    return Agreement(
        both=right.count((True, True)),
        only_first=right.count((True, False)),
        only_second=right.count((False, True)),
        neither=right.count((False, False)),
    )


def _difference(one: DrawnFigure, other: DrawnFigure) -> DrawnFigure:
    return lambda counts_DV: one(counts_DV) - other(counts_DV)
