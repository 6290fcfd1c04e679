from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from lrcn_model.scoring.calibration import (
    Calibration,
    at_temperature,
    calibration_figures,
    describe,
    fit_temperature,
    log_probabilities,
)
from lrcn_model.scoring.scorer import VideoScores

log_prob_tables = some.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(2, 6)), elements=st.floats(-50, 50)
).map(lambda scores: torch.from_numpy(scores).log_softmax(1).numpy())


def drawn(videos: int, classes: int, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities that are right after a division by the temperature, and the classes."""
    rng = np.random.default_rng(0)
    true = torch.from_numpy(rng.normal(scale=2, size=(videos, classes))).log_softmax(1).numpy()
    labels = np.array([rng.choice(classes, p=np.exp(row) / np.exp(row).sum()) for row in true])
    return torch.from_numpy(true * temperature).log_softmax(1).numpy(), labels


def mean_nll(log_probs: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """By torch's own cross-entropy."""
    scores = torch.from_numpy(log_probs) / temperature
    return float(torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels)))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5, 7.0])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    log_probs, labels = drawn(20_000, 10, temperature)
    assert fit_temperature(log_probs, labels) == pytest.approx(temperature, rel=0.03)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_no_other_temperature_is_likelier(temperature: float) -> None:
    log_probs, labels = drawn(200, 5, temperature)
    found = fit_temperature(log_probs, labels)
    least = mean_nll(log_probs, labels, found)
    for other in np.geomspace(0.05, 20, 500):
        assert least <= mean_nll(log_probs, labels, other) + 1e-9


@pytest.mark.parametrize("videos", [1, 10, 1000])
def test_where_all_is_right_the_certainty_is_that_of_the_rule_of_succession(videos: int) -> None:
    rng = np.random.default_rng(1)
    scores = torch.from_numpy(rng.normal(size=(videos, 3)) * 50)
    log_probs = scores.log_softmax(1).numpy()
    found = fit_temperature(log_probs, log_probs.argmax(axis=1))
    certainty = np.exp(at_temperature(log_probs, found)).max(axis=1).mean()
    assert certainty == pytest.approx((videos + 1) / (videos + 2), abs=1e-6)


def test_where_all_is_wrong_the_temperature_is_bounded() -> None:
    log_probs = np.log([[0.99, 0.01], [0.9, 0.1]])
    assert fit_temperature(log_probs, np.array([1, 1])) == pytest.approx(20)


@given(log_prob_tables, st.floats(0.05, 20))
def test_a_temperature_changes_no_order(log_probs: np.ndarray, temperature: float) -> None:
    after = at_temperature(log_probs, temperature)
    assert np.exp(after).sum(axis=1) == pytest.approx(1)
    # rounding may make equal what was nearly so, but turns nothing round
    best = np.take_along_axis(after, log_probs.argmax(axis=1)[:, None], axis=1)[:, 0]
    assert (best == after.max(axis=1)).all()
    for before_row, row in zip(log_probs, after, strict=True):
        assert (np.diff(row[np.argsort(before_row, kind="stable")]) >= 0).all()


@settings(deadline=None)
@given(log_prob_tables)
def test_a_temperature_is_always_found_within_bounds(log_probs: np.ndarray) -> None:
    labels = np.arange(len(log_probs)) % log_probs.shape[1]
    assert 0.05 <= fit_temperature(log_probs, labels) <= 20


def test_the_calibration_error_is_that_of_fifteen_bins_filled_one_by_one() -> None:
    log_probs, labels = drawn(500, 4, 3.0)
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(15)]
    for row, label in zip(np.exp(log_probs), labels, strict=True):
        for number in range(15):
            if number / 15 < row.max() <= (number + 1) / 15:
                bins[number].append((float(row.max()), bool(row.argmax() == label)))
    expected = 0.0
    for filled in bins:
        if filled:
            accuracy = sum(right for _, right in filled) / len(filled)
            certainty = sum(highest for highest, _ in filled) / len(filled)
            expected += len(filled) / 500 * abs(accuracy - certainty)
    figures = calibration_figures(log_probs, labels)
    assert figures.ece == pytest.approx(expected)
    assert figures.nll == pytest.approx(mean_nll(log_probs, labels, 1.0))


def test_certain_and_right_has_no_error() -> None:
    figures = calibration_figures(np.array([[0.0, -800.0]]), np.array([0]))
    assert (figures.nll, figures.ece) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("average", "scores"), [("log-probs", [-900.0, -1.0, -3.0]), ("probs", [0.0, 0.75, 0.25])]
)
def test_the_log_probabilities_are_those_of_the_vote_and_finite(
    average: str, scores: list[float]
) -> None:
    [row] = log_probabilities(
        [VideoScores(video="a", source=0, label=0, predicted=1, frames=1, scores=np.array(scores))],
        average,
    )
    assert np.isfinite(row).all()
    expected = 1 / (1 + math.exp(-2)) if average == "log-probs" else 0.75
    assert math.exp(row[1]) == pytest.approx(expected)


def test_few_videos_are_said() -> None:
    assert describe(1.234567, 99) == "temperature 1.23, fitted on 99 videos, which are few"
    assert describe(0.5, 1200) == "temperature 0.5, fitted on 1,200 videos"


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf"), "hot"])
def test_an_impossible_temperature_is_no_calibration(temperature: object) -> None:
    with pytest.raises(ValueError, match=r"temperature|could not convert"):
        Calibration.from_json({"temperature": temperature, "videos": 3, "shards": []})
