from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from lrcn_model.scoring.frame_disagreement import frame_disagreement, frame_set_disagreement


def test_of_two_frames_it_is_the_jensen_shannon_divergence() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        probs_TC = rng.dirichlet(np.full(5, 0.4), size=2)
        expected = jensenshannon(*probs_TC, base=2) ** 2
        assert frame_disagreement(probs_TC) == pytest.approx(expected, abs=1e-9)


def test_frames_that_say_the_same_agree_however_unsure_they_are() -> None:
    assert frame_disagreement(np.full((6, 4), 0.25)) == pytest.approx(0, abs=1e-9)
    assert frame_set_disagreement(np.full((6, 4), 0.5)) == pytest.approx(0, abs=1e-9)


def test_frames_that_are_each_sure_of_another_class_disagree_most() -> None:
    assert frame_disagreement(np.eye(4)) == pytest.approx(2)


def test_of_sets_the_class_counts_that_frames_disagree_most_about() -> None:
    probs_TC = np.array([[0.5, 0.0, 0.9], [0.5, 1.0, 0.9]])
    assert frame_set_disagreement(probs_TC) == pytest.approx(1)
