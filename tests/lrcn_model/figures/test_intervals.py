"""Intervals of confidence, against scipy's bootstrap called with the figures of naive loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from lrcn_model.figures.intervals import (
    DRAWS,
    intervals,
    mean_average_precision,
    mean_of,
    mean_over_classes,
)


def scipys(data: tuple[Any, ...], statistic: Any, **options: Any) -> tuple[float, float]:
    """By the percentile method, 95 %, as many draws, the same seed."""
    found = stats.bootstrap(
        data,
        statistic,
        paired=True,
        n_resamples=DRAWS,
        method="percentile",
        rng=np.random.default_rng(0),
        **options,
    ).confidence_interval
    return float(found.low), float(found.high)


@pytest.mark.parametrize(("videos", "share"), [(2, 0.5), (202, 0.98), (1000, 0.6)])
def test_that_of_a_mean_is_scipys(videos: int, share: float) -> None:
    # of 1,000 videos, not all draws are made at once
    right = (np.random.default_rng(1).random(videos) < share).astype(float)
    found = intervals({"accuracy": mean_of(right)}, videos)["accuracy"]
    assert found == pytest.approx(scipys((right,), np.mean), abs=1e-12)


def test_that_of_a_mean_over_classes_is_scipys() -> None:
    rng = np.random.default_rng(2)
    labels = rng.choice(4, 40, p=[0.6, 0.3, 0.07, 0.03])
    predicted = np.where(rng.random(40) < 0.7, labels, rng.integers(0, 4, 40))

    def statistic(labels: Any, predicted: Any) -> float:
        hits = [np.mean(predicted[labels == label] == label) for label in np.unique(labels)]
        return float(np.mean(hits))

    figure = mean_over_classes((labels == predicted).astype(float), labels)
    found = intervals({"mean": figure}, 40)["mean"]
    assert found == pytest.approx(
        scipys((labels, predicted), statistic, vectorized=False), abs=1e-12
    )


def test_that_of_the_mean_average_precision_is_scipys() -> None:
    rng = np.random.default_rng(3)
    sets, scores = rng.random((30, 2)) < 0.4, rng.normal(size=(30, 2)).round(1)

    def statistic(numbers: Any) -> float:
        precisions = []
        for number in range(2):
            drawn, score = sets[numbers, number], scores[numbers, number]
            above = [score >= one for one in score[drawn]]
            precisions.append(np.mean([(row & drawn).sum() / row.sum() for row in above]))
        return float(np.mean(precisions))

    found = intervals({"mAP": mean_average_precision(scores, sets)}, 30)["mAP"]
    expected = scipys((np.arange(30),), statistic, vectorized=False)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_average_precision_of_a_draw_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sets, scores = rng.random((60, 5)) < 0.2, rng.normal(size=(60, 5)).round(1)
    # the last class may not be drawn, the first is in no video
    sets[:, 0], sets[:, 4] = False, np.arange(60) == 7
    figure = mean_average_precision(scores, sets)
    for _ in range(20):
        counts = np.bincount(rng.integers(0, 60, 60), minlength=60).astype(float)
        expected = [
            metrics.average_precision_score(sets[:, n], scores[:, n], sample_weight=counts)
            for n in range(5)
            if counts @ sets[:, n]
        ]
        assert figure(counts[None])[0] == pytest.approx(np.mean(expected))


def test_several_figures_are_those_of_the_same_draws() -> None:
    right = (np.arange(50) % 3 > 0).astype(float)
    both = intervals({"one": mean_of(right), "other": mean_of(1 - right)}, 50)
    assert both["one"] == intervals({"one": mean_of(right)}, 50)["one"]
    assert both["other"] == pytest.approx((1 - both["one"].high, 1 - both["one"].low))


def test_where_all_are_right_every_draw_is() -> None:
    assert intervals({"accuracy": mean_of(np.ones(9))}, 9)["accuracy"] == (1.0, 1.0)


def test_one_video_has_no_interval() -> None:
    assert intervals({"accuracy": mean_of([1.0])}, 1) == {}


def test_a_figure_that_a_draw_may_lack_has_no_interval() -> None:
    sets, scores = np.array([[True], [False], [False]]), np.zeros((3, 1))
    found = intervals({"mAP": mean_average_precision(scores, sets)}, 3)["mAP"]
    assert np.isnan(found).all()
