"""Average precision of rankings cut into steps, against scikit-learn and loops over thresholds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from lrcn_model.detection.precision_steps import PrecisionSteps
from lrcn_model.figures.average_precision import average_precision

Ranked = tuple[np.ndarray, np.ndarray]

SCORES = st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 1.0])
RANKINGS = st.lists(st.tuples(SCORES, st.booleans()), max_size=40).map(
    lambda pairs: (np.array([s for s, _ in pairs], float), np.array([p for _, p in pairs], bool))
)


def naive(scores: np.ndarray, positive: np.ndarray, precision: Callable[..., float]) -> float:
    """The sum over all thresholds of what recall gains times the precision there."""
    if not positive.any():
        return float("nan")
    area, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        hits = int((positive & (scores >= threshold)).sum())
        false = int((~positive & (scores >= threshold)).sum())
        recall = hits / positive.sum()
        area += (recall - recall_before) * (precision(hits, false) if hits else 0)
        recall_before = recall
    return area


def naive_calibrated(scores: np.ndarray, positive: np.ndarray) -> float:
    def precision(hits: int, false: int) -> float:
        weight = (~positive).sum() / positive.sum()
        return weight * hits / (weight * hits + false) if false else 1.0

    return naive(scores, positive, precision)


def naive_interpolated(scores: np.ndarray, positive: np.ndarray) -> float:
    """For each positive, the best precision of all thresholds that reach it."""
    if not positive.any():
        return float("nan")
    best = [
        max(positive[scores >= other].mean() for other in scores if other <= score)
        for score in scores[positive]
    ]
    return float(np.mean(best))


@given(RANKINGS)
def test_it_is_that_of_a_loop_over_thresholds(ranked: Ranked) -> None:
    steps = PrecisionSteps.exact(*ranked)
    plain = naive(*ranked, lambda hits, false: hits / (hits + false))
    assert steps.average_precision()[0] == pytest.approx(plain, nan_ok=True)
    calibrated = steps.calibrated_average_precision()[0]
    assert calibrated == pytest.approx(naive_calibrated(*ranked), nan_ok=True)
    interpolated = steps.interpolated_average_precision()[0]
    assert interpolated == pytest.approx(naive_interpolated(*ranked), nan_ok=True)


@given(RANKINGS, st.randoms())
def test_it_does_not_depend_on_the_order_of_equal_scores(ranked: Ranked, draw: Any) -> None:
    order = [*range(len(ranked[0]))]
    draw.shuffle(order)
    found, shuffled = (
        PrecisionSteps.exact(*one) for one in (ranked, [values[order] for values in ranked])
    )
    assert found.average_precision() == pytest.approx(shuffled.average_precision(), nan_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_that_of_scikit_learn_and_of_videos(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.normal(size=300), rng.random(300) < 0.2
    scores = scores.round(1) if seed % 2 else scores.astype(np.float32)
    found = PrecisionSteps.exact(scores, positive).average_precision()[0]
    assert found == pytest.approx(metrics.average_precision_score(positive, scores), abs=1e-12)
    assert found == pytest.approx(average_precision(scores.astype(float), positive), abs=1e-12)


def test_values_by_hand() -> None:
    # precision 1/1, 2/3, 2/4; two positives in four, so w is 1
    scores, positive = np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])
    steps = PrecisionSteps.exact(scores, positive)
    assert steps.average_precision()[0] == pytest.approx((1 + 2 / 3) / 2)
    assert steps.calibrated_average_precision()[0] == pytest.approx((1 + 2 / 3) / 2)
    # one positive in three that is second: w = 2, so 2 * 1 / (2 * 1 + 1)
    rare = PrecisionSteps.exact(np.array([3.0, 2, 1]), np.array([False, True, False]))
    assert rare.average_precision()[0] == pytest.approx(1 / 2)
    assert rare.calibrated_average_precision()[0] == pytest.approx(2 / 3)


def test_a_class_that_every_frame_has_is_always_precise() -> None:
    steps = PrecisionSteps.exact(np.array([0.2, 0.9]), np.array([True, True]))
    assert steps.average_precision()[0] == steps.calibrated_average_precision()[0] == 1


@pytest.mark.parametrize("seed", range(30))
def test_a_draw_is_that_of_the_videos_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.random(200).round(2), rng.random(200) < 0.3
    videos = np.sort(rng.integers(0, 8, 200))
    steps = PrecisionSteps.of(scores, positive, videos, 8)
    counts = np.stack([np.bincount(rng.integers(0, 8, 8), minlength=8) for _ in range(5)])
    drawn = steps.drawn(counts.astype(float))
    for row, times in enumerate(counts):
        repeated = np.repeat(np.arange(200), times[videos])
        of_drawn = PrecisionSteps.exact(scores[repeated], positive[repeated])
        for kind in (
            "average_precision",
            "calibrated_average_precision",
            "interpolated_average_precision",
        ):
            expected = getattr(of_drawn, kind)()[0]
            assert getattr(drawn, kind)()[row] == pytest.approx(expected, abs=1e-6)


def test_of_more_scores_than_steps_it_is_nearly_the_same() -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(200_000) < 0.1
    scores = rng.normal(size=200_000) + 1.5 * positive
    videos = np.repeat(np.arange(50), 4_000)
    steps = PrecisionSteps.of(scores, positive, videos, 50)
    assert steps.own_VK.shape == (50, 256)
    drawn, exact = steps.drawn(np.ones((1, 50))), PrecisionSteps.exact(scores, positive)
    assert drawn.average_precision() == pytest.approx(exact.average_precision(), abs=2e-4)
    assert drawn.calibrated_average_precision() == pytest.approx(
        exact.calibrated_average_precision(), abs=2e-4
    )
