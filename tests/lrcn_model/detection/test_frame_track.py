from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrcn_model.detection import frame_track
from lrcn_model.detection.frame_track import FrameTrack, number_of_classes
from lrcn_model.scoring import loss_at
from tests.lrcn_model.detection.conftest import MakeTrack


def test_a_frame_lasts_until_the_next_one_and_before_a_gap_as_long_as_on_average() -> None:
    track = FrameTrack(
        video="a.avi",
        source=0,
        positions=np.array([0, 1, 2, 6]),
        times=np.array([0.0, 0.1, 0.3, 1.2]),
        labels=np.array([0, -1, 0, 0]),
        scores=np.full((4, 1), 0.5),
    )
    frames = track.labelled()
    # 1.2 seconds for 6 steps are 0.2 a frame
    assert frames.starts_F == pytest.approx([0.0, 0.3, 1.2])
    assert frames.ends_F == pytest.approx([0.1, 0.5, 1.4])
    assert frames.positions_F.tolist() == [0, 2, 6]


def test_the_only_frame_of_a_video_lasts_no_time(make_track: MakeTrack) -> None:
    frames = make_track([1]).labelled()
    assert frames.starts_F.tolist() == frames.ends_F.tolist() == [0.0]


def test_of_equal_scores_the_first_class_is_predicted(make_track: MakeTrack) -> None:
    track = make_track([2, 2], scores=np.array([[0.1, 0.4, 0.4, 0.1], [0.25] * 4]))
    assert track.labelled().predicted_F.tolist() == [1, 0]


def test_a_track_may_have_no_frame_and_no_label(make_track: MakeTrack) -> None:
    assert len(make_track([]).labelled().labels_F) == 0
    assert len(make_track([-1, -1], [0, 1]).labelled().labels_F) == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels": np.array([0, 4])}, "labels are from 0 to 4; of 4 classes"),
        ({"labels": np.array([0, -2])}, "labels are from -2 to 0"),
        ({"labels": np.array([0])}, r"the shapes \(2,\), \(2,\), \(1,\) and \(2, 4\)"),
        ({"times": np.array([0.2, 0.1])}, "must ascend"),
        ({"times": np.array([0.2, np.nan])}, "must ascend"),
        ({"positions": np.array([3, 3])}, "must ascend"),
        ({"scores": np.log(np.full((2, 4), 0.25))}, "must be probabilities"),
        ({"scores": np.full((2, 4), np.nan)}, "must be probabilities"),
        ({"scores": np.full(2, 0.5)}, "the shapes"),
    ],
)
def test_arrays_that_make_no_track_are_refused(
    changed: dict[str, np.ndarray], said: str, make_track: MakeTrack
) -> None:
    with pytest.raises(ValueError, match=f"a.avi: .*{said}"):
        replace(make_track([0, 1]), **changed)


def test_tracks_of_different_classes_are_refused(make_track: MakeTrack) -> None:
    with pytest.raises(ValueError, match=r"tracks have \[2, 3\] classes"):
        number_of_classes([make_track([0], classes=2), make_track([0], classes=3)])


def test_the_label_of_an_unlabelled_frame_is_that_of_the_loss() -> None:
    assert frame_track.UNLABELLED == loss_at.UNLABELLED
