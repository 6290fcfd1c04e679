from __future__ import annotations

import math

import numpy as np
import pytest

from lrcn_model.figures.average_precision import average_precision


def naive(scores: np.ndarray, positive: np.ndarray) -> float:
    """For each positive, the precision among all that score as much or more, averaged."""
    found = []
    for score in scores[positive]:
        above = scores >= score
        found.append((above & positive).sum() / above.sum())
    return float(np.mean(found))


def cases(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60))
    scores = rng.normal(size=count)
    if seed % 2:
        scores = scores.round()  # many equal ones
    return scores, rng.random(count) < rng.random()


@pytest.mark.parametrize("seed", range(60))
def test_it_is_that_of_a_loop_over_the_positives(seed: int) -> None:
    scores, positive = cases(seed)
    if not positive.any():
        assert math.isnan(average_precision(scores, positive))
    else:
        assert average_precision(scores, positive) == pytest.approx(naive(scores, positive))


def test_it_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    for seed in range(60):
        scores, positive = cases(seed)
        if positive.any():
            expected = metrics.average_precision_score(positive, scores)
            assert average_precision(scores, positive) == pytest.approx(expected, abs=1e-12)


def test_equal_scores_are_one_step_whatever_their_order() -> None:
    scores = np.zeros(4)
    for place in range(4):
        positive = np.arange(4) == place
        assert average_precision(scores, positive) == 0.25


def test_without_a_positive_there_is_none() -> None:
    assert math.isnan(average_precision(np.array([1.0, 2.0]), np.zeros(2, bool)))
    assert math.isnan(average_precision(np.zeros(0), np.zeros(0, bool)))
