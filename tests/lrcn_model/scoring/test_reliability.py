from __future__ import annotations

import numpy as np
import pytest

from lrcn_model.scoring.calibration import calibration_figures
from lrcn_model.scoring.reliability import reliability


def test_the_bins_make_the_expected_calibration_error() -> None:
    rng = np.random.default_rng(0)
    probs_VC = rng.dirichlet(np.full(4, 0.3), size=300)
    labels_V = rng.integers(0, 4, 300)
    found = reliability(probs_VC.max(axis=1), probs_VC.argmax(axis=1) == labels_V)
    error = sum(one.answers * abs(one.right - one.probability) for one in found) / 300
    assert error == pytest.approx(calibration_figures(np.log(probs_VC + 1e-300), labels_V).ece)
    assert sum(one.answers for one in found) == 300


def test_an_answer_is_in_the_bin_that_its_probability_ends() -> None:
    [low, high] = reliability(np.array([1 / 3, 1.0]), np.array([True, False]))
    assert (low.low, low.high, low.right) == (pytest.approx(4 / 15), pytest.approx(1 / 3), 1.0)
    assert (high.high, high.right, high.answers) == (1.0, 0.0, 1)
