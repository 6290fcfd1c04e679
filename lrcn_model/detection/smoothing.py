"""Smoothing in time: a frame is judged with those around it, so that segments don't fall apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrcn_model.detection.frame_track import FrameTrack


def smoothed(track: FrameTrack, frames: int) -> FrameTrack:
    """The track with each frame's probabilities averaged over the frames around it.

    At the ends of a video, and beside frames that are missing, the mean is over those that are
    there.

    Args:
        track: The frames of a video.
        frames: The number of frames that the mean is over, an odd one: as many before the frame as
            behind it. 1 changes nothing.
    """
    if frames == 1 or not len(track.positions):
        return track
    around, places = frames // 2, track.positions - track.positions[0]
    # what comes before each place of the stream, with room for what is around its ends
    length = int(places[-1]) + 1 + 2 * around
    sums_FC = np.zeros((length + 1, track.classes))
    counts_F = np.zeros(length + 1)
    sums_FC[places + around + 1] = track.scores
    counts_F[places + around + 1] = 1
    sums_FC, counts_F = sums_FC.cumsum(axis=0), counts_F.cumsum()
    behind = places + 2 * around + 1
    sum_FC = sums_FC[behind] - sums_FC[places]
    scores_FC = sum_FC / (counts_F[behind] - counts_F[places])[:, None]
    # cumulative sums leave a last digit below 0 or above 1
    return replace(track, scores=scores_FC.clip(0, 1).astype(track.scores.dtype))
