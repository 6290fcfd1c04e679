"""Average precision of frames: how well a class's scores put its frames before all others.

All labelled frames of all videos are ranked together, by the probability of the class, as papers on
online action detection do: De Geest et al., "Online Action Detection", ECCV 2016; An et al.,
"MiniROAD: Minimal RNN Framework for Online Action Detection", ICCV 2023. Frames of background
classes are negatives of every other class, and background has no average precision that is counted
in the mean; nor has a class that no frame has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from lrcn_model.detection.drawn import by_name, mean_there
from lrcn_model.detection.frame_track import Floats, Ints, LabelledFrames, Scores
from lrcn_model.detection.precision_steps import PrecisionSteps
from lrcn_model.figures.intervals import DrawnFigure

NAMES = ("frame_map", "calibrated_frame_map")


class FramePrecision(NamedTuple):
    """The average precision of the frames of each class, float64 (classes,); nan where none has it.

    Attributes:
        plain_C: The average precision.
        calibrated_C: That of the calibrated precision.
    """

    plain_C: Floats
    calibrated_C: Floats

    def means(self, background: Collection[int]) -> dict[str, float]:
        """Both means over the classes that occur, without background."""
        kept_C = ~np.isin(np.arange(len(self.plain_C)), list(background))
        return {
            name: float(mean_there(of_class_C[kept_C]))
            for name, of_class_C in zip(NAMES, self, strict=True)
        }


def frame_precision(videos: Sequence[LabelledFrames], classes: int) -> FramePrecision:
    """The average precision of each class, background too."""
    labels_N, scores_NC, _ = _all_frames(videos, classes)
    found = FramePrecision(np.full(classes, np.nan), np.full(classes, np.nan))
    for label in np.unique(labels_N):
        steps = PrecisionSteps.exact(scores_NC[:, label], labels_N == label)
        found.plain_C[label] = steps.average_precision()[0]
        found.calibrated_C[label] = steps.calibrated_average_precision()[0]
    return found


def drawn_frame_precision(
    videos: Sequence[LabelledFrames], classes: int, background: Collection[int]
) -> dict[str, DrawnFigure]:
    """Both mean average precisions, over the classes that some video drawn has.

    Args:
        videos: The frames of each video.
        classes: The number of classes.
        background: The classes that are left out of the means.
    """
    labels_N, scores_NC, videos_N = _all_frames(videos, classes)
    rankings = [
        PrecisionSteps.of(scores_NC[:, label], labels_N == label, videos_N, len(videos))
        for label in np.setdiff1d(labels_N, list(background))
    ]

    def figures(counts_DV: Floats) -> Floats:
        found = np.full((len(NAMES), len(counts_DV), len(rankings)), np.nan)
        for number, ranking in enumerate(rankings):
            steps = ranking.drawn(counts_DV)
            found[0, :, number] = steps.average_precision()
            found[1, :, number] = steps.calibrated_average_precision()
        return mean_there(found)

    return by_name(NAMES, figures)


def _all_frames(videos: Sequence[LabelledFrames], classes: int) -> tuple[Ints, Scores, Ints]:
    """Labels (frames,), scores (frames, classes) and numbers of videos (frames,) of all frames."""
    if not videos:
        return np.zeros(0, np.int64), np.zeros((0, classes)), np.zeros(0, np.int64)
    labels_N: Ints = np.concatenate([frames.labels_F for frames in videos])
    scores_NC: Scores = np.concatenate([frames.scores_FC for frames in videos])
    frames_V = [len(frames.labels_F) for frames in videos]
    return labels_N, scores_NC, np.repeat(np.arange(len(videos), dtype=np.int64), frames_V)
