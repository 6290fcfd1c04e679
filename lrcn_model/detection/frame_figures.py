"""How right frames are, each by itself: accuracy, and precision, recall and F1 of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from lrcn_model.detection.drawn import mean_there, share
from lrcn_model.detection.frame_track import Floats, LabelledFrames
from lrcn_model.figures.intervals import DrawnFigure


class FrameCounts(NamedTuple):
    """Labelled frames counted; of each video, or of the videos of each draw.

    A frame is predicted as the class with the highest score. All classes take part, background
    among them.

    Attributes:
        true_VC: The number of frames that have each class, float64 (videos, classes).
        predicted_VC: The number of frames that are predicted as each class.
        right_VC: The number of frames that have each class and are predicted as it.
    """

    true_VC: Floats
    predicted_VC: Floats
    right_VC: Floats

    @classmethod
    def of(cls, videos: Sequence[LabelledFrames], classes: int) -> Self:
        """Count the frames of each video."""
        counts = np.zeros((3, len(videos), classes))
        for number, frames in enumerate(videos):
            right_F = frames.labels_F == frames.predicted_F
            for kind, classes_F in enumerate(
                (frames.labels_F, frames.predicted_F, frames.labels_F[right_F])
            ):
                counts[kind, number] = np.bincount(classes_F, minlength=classes)
        return cls(*counts)

    def drawn(self, counts_DV: Floats) -> FrameCounts:
        """The counts of draws.

        Args:
            counts_DV: How often each video was drawn, float64 (draws, videos).
        """
        return FrameCounts(*(counts_DV @ values_VC for values_VC in self))

    def accuracy(self) -> Floats:
        """The share of the frames whose class is predicted, (videos,)."""
        return share(self.right_VC.sum(axis=-1), self.true_VC.sum(axis=-1))

    def precision(self) -> Floats:
        """Of the frames predicted as a class, the share that has it; nan where none is."""
        return share(self.right_VC, self.predicted_VC)

    def recall(self) -> Floats:
        """Of the frames that have a class, the share predicted as it; nan where none has it."""
        return share(self.right_VC, self.true_VC)

    def f1(self) -> Floats:
        """The harmonic mean of the two; nan where no frame has the class or is predicted as it."""
        return share(2 * self.right_VC, self.true_VC + self.predicted_VC)

    def mean_class_accuracy(self) -> Floats:
        """The mean of the classes' recall, over the classes that occur, (videos,)."""
        return mean_there(self.recall())


def drawn_frame_figures(counts: FrameCounts) -> dict[str, DrawnFigure]:
    """The figures of frames that have intervals of confidence.

    Args:
        counts: The counts of each video.
    """
    return {
        "frame_accuracy": lambda counts_DV: counts.drawn(counts_DV).accuracy(),
        "mean_class_accuracy": lambda counts_DV: counts.drawn(counts_DV).mean_class_accuracy(),
    }
