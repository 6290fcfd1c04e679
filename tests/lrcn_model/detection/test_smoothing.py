from __future__ import annotations

import numpy as np
import pytest

from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.smoothing import smoothed


def random_track(seed: int, *, gaps: bool) -> FrameTrack:
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 30))
    positions = np.sort(rng.choice(60, frames, replace=False)) if gaps else np.arange(frames)
    return FrameTrack(
        video="a.avi",
        source=1,
        positions=positions,
        times=positions / 5,
        labels=rng.integers(-1, 3, frames),
        scores=rng.dirichlet([1, 1, 1], frames).astype(np.float32),
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("gaps", [False, True])
def test_a_frame_has_the_mean_of_the_frames_around_it(seed: int, gaps: bool) -> None:
    track = random_track(seed, gaps=gaps)
    frames = 2 * (seed % 5) + 1
    found = smoothed(track, frames)
    for place, position in enumerate(track.positions):
        near = abs(track.positions - position) <= frames // 2
        np.testing.assert_allclose(found.scores[place], track.scores[near].mean(axis=0), atol=1e-6)
    assert found.scores.dtype == np.float32
    assert np.array_equal(found.labels, track.labels)


def test_one_frame_changes_nothing() -> None:
    track = random_track(0, gaps=False)
    assert smoothed(track, 1) is track
