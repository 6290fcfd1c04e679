"""Frames smoothed as they come have what smoothing the whole video gives them."""

from __future__ import annotations

import numpy as np
import pytest

from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.smoothing import smoothed
from lrcn_model.predicting.frame_smoother import FrameSmoother


@pytest.mark.parametrize("frames", [1, 3, 7])
@pytest.mark.parametrize("gaps", [False, True])
def test_a_stream_gets_what_the_whole_gets(frames: int, gaps: bool) -> None:
    rng = np.random.default_rng(frames)
    positions = np.sort(rng.choice(40, 25, replace=False)) if gaps else np.arange(25)
    scores = rng.dirichlet([1, 1, 1], 25)
    track = FrameTrack(
        video="a",
        source=0,
        positions=positions,
        times=positions / 5,
        labels=np.zeros(25, np.int64),
        scores=scores,
    )
    smoother = FrameSmoother(frames)
    found = []
    for position, values in zip(positions.tolist(), scores, strict=True):
        found += smoother.add(position, values)
        assert all(one + frames // 2 < position or frames == 1 for one, _ in found[-1:])
    found += smoother.finish()
    assert [position for position, _ in found] == positions.tolist()
    np.testing.assert_allclose([values for _, values in found], smoothed(track, frames).scores)
