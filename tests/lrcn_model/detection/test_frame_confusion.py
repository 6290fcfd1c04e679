from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import confusion_matrix

from lrcn_model.detection.frame_confusion import frame_confusion
from lrcn_model.detection.frame_track import FrameTrack


def test_labelled_frames_are_counted_as_scikit_learn_does(
    random_tracks: Callable[..., list[FrameTrack]],
) -> None:
    tracks = random_tracks(3, classes=5)
    labels = np.concatenate([track.labels for track in tracks])
    predicted = np.concatenate([track.scores.argmax(axis=1) for track in tracks])
    there = labels != -1
    expected = confusion_matrix(labels[there], predicted[there], labels=range(5))
    assert (frame_confusion(tracks, 5) == expected).all()
    assert frame_confusion([], 2).tolist() == [[0, 0], [0, 0]]
