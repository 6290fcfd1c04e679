from __future__ import annotations

import numpy as np
import pytest

from lrcn_model.detection.runs import predicted_runs, runs, true_runs
from tests.lrcn_model.detection.conftest import MakeTrack


def naive(classes: list[int], positions: list[int], background: set[int]) -> list[tuple[int, ...]]:
    """Frame by frame."""
    found: list[list[int]] = []
    for n, label in enumerate(classes):
        follows = n > 0 and positions[n] == positions[n - 1] + 1
        if follows and label == classes[n - 1]:
            found[-1][2] = n + 1
        else:
            found.append([label, n, n + 1])
    return [tuple(one) for one in found if one[0] not in background]


@pytest.mark.parametrize("seed", range(40))
def test_runs_are_those_of_a_loop_over_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 40))
    classes = rng.integers(0, 3, count)
    positions = np.flatnonzero(rng.random(200) < 0.8)[:count]
    background = {0} if seed % 2 else set()
    found = runs(classes, positions, background)
    assert [*zip(*(one.tolist() for one in found), strict=True)] == naive(
        classes.tolist(), positions.tolist(), background
    )


def test_an_unlabelled_stretch_ends_the_runs_of_truth_and_prediction(
    make_track: MakeTrack,
) -> None:
    frames = make_track([1, 1, -1, -1, 1, 2], [1, 1, 1, 1, 1, 1]).labelled()
    true, predicted = true_runs(frames), predicted_runs(frames)
    assert true.labels_S.tolist() == [1, 1, 2]
    assert true.starts(frames) == pytest.approx([0, 0.4, 0.5])
    assert true.ends(frames) == pytest.approx([0.2, 0.5, 0.6])
    assert predicted.labels_S.tolist() == [1, 1]
    assert predicted.starts(frames) == pytest.approx([0, 0.4])
    assert predicted.ends(frames) == pytest.approx([0.2, 0.6])


def test_background_between_two_segments_leaves_them_two(make_track: MakeTrack) -> None:
    frames = make_track([1, 0, 1]).labelled()
    assert true_runs(frames, [0]).first_S.tolist() == [0, 2]
