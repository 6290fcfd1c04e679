"""How right an evaluation is of each class: precision, recall and F1, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrcn_model.scoring.label_kinds import AnyVideoScores
from lrcn_model.scoring.set_scorer import set_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassFigures:
    """How right the recognition of each class is, by class number; fractions from 0 to 1.

    Attributes:
        class_videos: The number of videos that have the class.
        precision: The share of the videos recognized as the class that have it; nan where none is.
        recall: The share of the videos that have the class that are recognized as it; nan where
            none has it.
        f1: The harmonic mean of the two; nan where no video has the class or is recognized as it.
    """

    class_videos: list[int]
    precision: list[float]
    recall: list[float]
    f1: list[float]


def class_figures(videos: Sequence[AnyVideoScores], classes: int) -> ClassFigures:
    """Find out how right the recognition of each class is.

    Args:
        videos: The videos' scores.
        classes: The number of classes.
    """
    from sklearn.metrics import precision_recall_fscore_support

    true_VC = set_matrix([video.classes for video in videos], classes)
    found_VC = set_matrix([video.recognized for video in videos], classes)
    # of a single class, scikit-learn would tell those that have it from those that don't
    both = [np.pad(sets_VC, ((0, 0), (0, 1))) for sets_VC in (true_VC, found_VC)]
    figures = precision_recall_fscore_support(*both, average=None, zero_division=np.nan)
    precision, recall, f1 = (figures_C[:classes].tolist() for figures_C in figures[:3])
    return ClassFigures(
        class_videos=true_VC.sum(axis=0).tolist(), precision=precision, recall=recall, f1=f1
    )
