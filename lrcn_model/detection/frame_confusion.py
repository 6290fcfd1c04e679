"""Which classes frames are taken for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrcn_model.detection.frame_track import FrameTrack, Ints


def frame_confusion(tracks: Sequence[FrameTrack], classes: int) -> Ints:
    """Count the labelled frames by class (rows) and class with the highest score (columns).

    Args:
        tracks: The videos.
        classes: The number of classes.

    Returns:
        int64 (classes, classes).
    """
    counts = np.zeros((classes, classes), np.int64)
    for track in tracks:
        frames = track.labelled()
        np.add.at(counts, (frames.labels_F, frames.predicted_F), 1)
    return counts
