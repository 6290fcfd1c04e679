"""Figures of frames, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from lrcn_model.detection.frame_figures import FrameCounts, drawn_frame_figures
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks


def test_figures_counted_by_hand(make_track: MakeTrack) -> None:
    # two frames of class 0 are right, one is taken for class 2; the frame of class 1 is missed
    counts = FrameCounts.of([make_track([0, 0, 0, 1, -1], [0, 0, 2, 0, 1]).labelled()], 4)
    assert counts.accuracy().tolist() == [2 / 4]
    assert counts.mean_class_accuracy().tolist() == [(2 / 3 + 0) / 2]
    assert counts.precision()[0] == pytest.approx([2 / 3, np.nan, 0, np.nan], nan_ok=True)
    assert counts.recall()[0] == pytest.approx([2 / 3, 0, np.nan, np.nan], nan_ok=True)
    assert counts.f1()[0] == pytest.approx([2 / 3, 0, 0, np.nan], nan_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_they_are_scikit_learns(seed: int, random_tracks: RandomTracks) -> None:
    videos = [track.labelled() for track in random_tracks(seed)]
    true = np.concatenate([frames.labels_F for frames in videos])
    found = np.concatenate([frames.predicted_F for frames in videos])
    counts = FrameCounts.of(videos, 4)
    of_all = counts.drawn(np.ones((1, len(videos))))
    assert of_all.accuracy()[0] == pytest.approx(metrics.accuracy_score(true, found))
    occurring = np.unique(true)
    expected = metrics.recall_score(true, found, labels=occurring, average="macro")
    assert of_all.mean_class_accuracy()[0] == pytest.approx(expected)
    figures = metrics.precision_recall_fscore_support(
        true, found, labels=range(4), zero_division=np.nan
    )
    assert of_all.precision()[0] == pytest.approx(figures[0], nan_ok=True)
    assert of_all.recall()[0] == pytest.approx(figures[1], nan_ok=True)
    assert of_all.f1()[0] == pytest.approx(figures[2], nan_ok=True)
    assert of_all.true_VC[0].tolist() == figures[3].tolist()


def test_those_of_a_draw_are_those_of_the_videos_drawn(random_tracks: RandomTracks) -> None:
    videos = [track.labelled() for track in random_tracks(3)]
    drawn = [1, 1, 1, 4, 5, 5]
    counts = np.bincount(drawn, minlength=6)[None].astype(float)
    figures = drawn_frame_figures(FrameCounts.of(videos, 4))
    of_drawn = FrameCounts.of([videos[number] for number in drawn], 4).drawn(np.ones((1, 6)))
    assert figures["frame_accuracy"](counts) == pytest.approx(of_drawn.accuracy())
    assert figures["mean_class_accuracy"](counts) == pytest.approx(of_drawn.mean_class_accuracy())


def test_without_a_frame_there_is_none(make_track: MakeTrack) -> None:
    counts = FrameCounts.of([make_track([-1]).labelled()], 4)
    assert np.isnan([counts.accuracy(), counts.mean_class_accuracy()]).all()
    assert np.isnan([counts.precision(), counts.recall(), counts.f1()]).all()
