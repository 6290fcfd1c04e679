from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from lrcn_model.detection.frame_precision import drawn_frame_precision, frame_precision
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks


@pytest.mark.parametrize("seed", range(20))
def test_frames_of_all_videos_are_ranked_together(seed: int, random_tracks: RandomTracks) -> None:
    videos = [track.labelled() for track in random_tracks(seed, ties=seed % 2 == 0)]
    labels = np.concatenate([frames.labels_F for frames in videos])
    scores = np.concatenate([frames.scores_FC for frames in videos])
    expected = [
        metrics.average_precision_score(labels == label, scores[:, label])
        if (labels == label).any()
        else np.nan
        for label in range(4)
    ]
    found = frame_precision(videos, 4)
    assert found.plain_C == pytest.approx(expected, nan_ok=True)
    assert found.means([])["frame_map"] == pytest.approx(np.nanmean(expected))
    assert found.means([0, 3])["frame_map"] == pytest.approx(np.nanmean(expected[1:3]))


@pytest.mark.parametrize("seed", range(10))
def test_a_draw_is_that_of_the_videos_drawn(seed: int, random_tracks: RandomTracks) -> None:
    videos = [track.labelled() for track in random_tracks(seed)]
    figures = drawn_frame_precision(videos, 4, [1])
    drawn = np.random.default_rng(seed).integers(0, 6, (4, 6))
    counts = np.stack([np.bincount(row, minlength=6) for row in drawn]).astype(float)
    for row, numbers in enumerate(drawn):
        of_drawn = frame_precision([videos[number] for number in numbers], 4).means([1])
        for name, value in of_drawn.items():
            assert figures[name](counts)[row] == pytest.approx(value, abs=1e-6, nan_ok=True)


def test_a_class_that_no_frame_has_is_left_out_of_the_mean(make_track: MakeTrack) -> None:
    scores = np.array([[0.6, 0.1, 0.3], [0.5, 0.2, 0.3], [0.4, 0.5, 0.1]])
    found = frame_precision([make_track([0, 1, 1], scores=scores).labelled()], 3)
    assert found.plain_C == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert found.means([]) == {"frame_map": 1, "calibrated_frame_map": 1}


def test_where_only_background_occurs_there_is_none(make_track: MakeTrack) -> None:
    found = frame_precision([make_track([0, 0]).labelled()], 4)
    assert np.isnan([*found.means([0]).values()]).all()
    assert np.isnan([*frame_precision([], 4).means([]).values()]).all()
