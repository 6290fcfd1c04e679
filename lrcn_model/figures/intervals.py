"""How far a figure may be off: intervals of confidence, by bootstrap over videos.

Videos are drawn with replacement, as many as there are; each draw has a figure of its own, and the
interval holds the middle 95 % of those (the percentile method: Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapter 13), as `scipy.stats.bootstrap` computes it. Videos
are drawn rather than clips or frames, since those of one video are alike. An interval says how far
other videos would move a figure; what another training would is no part of it. Of a few videos, or
where nearly all are right, it is too narrow: where all are right, every draw is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lrcn_model.figures.average_precision import weighted_average_precision

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
"""The share of draws whose figures are in an interval."""

DRAWS = 9_999
"""As many as scipy draws by default."""

SEED = 0

_NUMBERS_AT_ONCE = 1 << 22
"""How many videos are drawn at a time; with all that comes of them they take 100 MB or so."""

DrawnFigure = Callable[[Floats], Floats]
"""A function of how often each video was drawn, float64 (draws, videos), that gives the figure of
each draw, float64 (draws,)."""


class Interval(NamedTuple):
    """An interval of confidence; nan where some draw has no such figure.

    Attributes:
        low: Where it begins.
        high: Where it ends.
    """

    low: float
    high: float


METHOD: Mapping[str, Any] = {
    "method": "percentile bootstrap over videos",
    "level": LEVEL,
    "draws": DRAWS,
    "seed": SEED,
}
"""How intervals are made, as it is recorded beside them."""


def intervals(figures: Mapping[str, DrawnFigure], videos: int) -> dict[str, Interval]:
    """The intervals of several figures of the same videos, which are drawn once for all.

    Args:
        figures: The figures, by name.
        videos: The number of videos.

    Returns:
        The interval of each figure; none of them with fewer than two videos.
    """
    if videos < 2:
        return {}
    from scipy import stats

    def of_draws(numbers_DV: npt.NDArray[np.int64], axis: int) -> Floats:
        counts_DV = _counts(numbers_DV)
        return np.stack([figure(counts_DV) for figure in figures.values()])

    with warnings.catch_warnings():
        # of nan, which says itself that there is none
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            (np.arange(videos),),
            of_draws,
            vectorized=True,
            n_resamples=DRAWS,
            batch=max(1, _NUMBERS_AT_ONCE // videos),
            confidence_level=LEVEL,
            method="percentile",
            rng=np.random.default_rng(SEED),
        ).confidence_interval
    ends = zip(found.low.tolist(), found.high.tolist(), strict=True)
    return {name: Interval(*pair) for name, pair in zip(figures, ends, strict=True)}


def mean_of(values_V: npt.ArrayLike) -> DrawnFigure:
    """The mean of a value that each video has, such as whether it is recognized."""
    values = np.asarray(values_V, np.float64)
    return lambda counts_DV: counts_DV @ values / len(values)


def mean_over_classes(right_V: Floats, labels_V: npt.NDArray[np.int64]) -> DrawnFigure:
    """The share of each class's videos that is right, averaged over the classes that were drawn.

    Args:
        right_V: 1.0 where a video is right, float64 (videos,).
        labels_V: The videos' classes, int64 (videos,).
    """
    of_class_VC = (labels_V[:, None] == np.unique(labels_V)).astype(np.float64)
    right_VC = right_V[:, None] * of_class_VC

    def figure(counts_DV: Floats) -> Floats:
        totals_DC = counts_DV @ of_class_VC
        drawn_DC = totals_DC > 0
        shares_DC = counts_DV @ right_VC / np.maximum(totals_DC, 1)
        mean_D: Floats = shares_DC.sum(axis=1) / drawn_DC.sum(axis=1)
        return mean_D

    return figure


def mean_average_precision(scores_VC: Floats, sets_VC: npt.NDArray[np.bool_]) -> DrawnFigure:
    """The mean average precision, over the classes that some video drawn has.

    Args:
        scores_VC: The videos' scores, float64 (videos, classes).
        sets_VC: Which classes they have, bool (videos, classes).
    """
    numbers = np.flatnonzero(sets_VC.any(axis=0))

    def figure(counts_DV: Floats) -> Floats:
        total_D, classes_D = np.zeros(len(counts_DV)), np.zeros(len(counts_DV))
        for number in numbers:
            found_D = weighted_average_precision(
                scores_VC[:, number], sets_VC[:, number], counts_DV
            )
            has_one_D = ~np.isnan(found_D)
            total_D += np.where(has_one_D, found_D, 0.0)
            classes_D += has_one_D
        with np.errstate(invalid="ignore"):
            mean_D: Floats = total_D / classes_D
        return mean_D

    return figure


def _counts(numbers_DV: npt.NDArray[np.int64]) -> Floats:
    """How often each video was drawn, float64 (draws, videos).

    Args:
        numbers_DV: The numbers of the videos drawn, int64 (draws, as many as there are videos).
    """
    draws, videos = numbers_DV.shape
    places_DV = numbers_DV + videos * np.arange(draws)[:, None]
    counts = np.bincount(places_DV.ravel(), minlength=draws * videos)
    return counts.reshape(draws, videos).astype(np.float64)
