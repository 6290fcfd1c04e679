"""Segmental F1 and edit score: how right the segments of videos are, and their order.

Both are those of Lea et al., "Temporal Convolutional Networks for Action Segmentation and
Detection", CVPR 2017, as Abu Farha and Gall count them ("MS-TCN: Multi-Stage Temporal
Convolutional Network for Action Segmentation", CVPR 2019, and its `eval.py`): segments that are
found, wrong and missed are summed over all videos before F1, and edit scores of videos are
averaged. Here they are from 0 to 1. Segments are runs (see `runs`), of truth and prediction alike:
frames without a label are cut out of both, and no segment goes on over them; background classes
have none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Self

import numpy as np

from lrcn_model.detection.drawn import share
from lrcn_model.detection.frame_track import Floats, Ints, LabelledFrames
from lrcn_model.detection.runs import Runs, predicted_runs, true_runs
from lrcn_model.figures.intervals import DrawnFigure

OVERLAPS = {"f1_10": 0.10, "f1_25": 0.25, "f1_50": 0.50}
"""The overlaps, intersection over union, at which a segment counts as found, by F1's names."""


class SegmentCounts(NamedTuple):
    """The segments of each video.

    Attributes:
        found_VO: The number of true segments that are found, float64 (videos, overlaps).
        true_V: The number of true segments, float64 (videos,).
        predicted_V: The number of predicted ones, float64 (videos,).
        edit_V: The edit score, float64 (videos,); nan where a video has no segment at all.
    """

    found_VO: Floats
    true_V: Floats
    predicted_V: Floats
    edit_V: Floats

    @classmethod
    def of(cls, videos: Sequence[LabelledFrames], background: Collection[int] = ()) -> Self:
        """Match the segments of each video.

        Args:
            videos: The frames of each video.
            background: The classes whose segments are left out.
        """
        overlaps_O = np.array([*OVERLAPS.values()])
        pairs = [(true_runs(one, background), predicted_runs(one, background)) for one in videos]
        return cls(
            found_VO=np.array(
                [found_segments(true, predicted, overlaps_O) for true, predicted in pairs],
                np.float64,
            ).reshape(-1, len(overlaps_O)),
            true_V=np.array([len(true.labels_S) for true, _ in pairs], np.float64),
            predicted_V=np.array([len(found.labels_S) for _, found in pairs], np.float64),
            edit_V=np.array([edit_score(one.labels_S, other.labels_S) for one, other in pairs]),
        )


def found_segments(true: Runs, predicted: Runs, overlaps_O: Floats) -> Ints:
    """How many true segments of a video are found.

    Each predicted segment is compared with the true one of its class that it overlaps most, by
    intersection over union in frames; if they overlap enough, it has found it. Another one that
    finds the same segment is as wrong as one that finds none.

    Args:
        true: The segments of the video as it is labelled.
        predicted: Those that are predicted.
        overlaps_O: The least overlaps, float64 (overlaps,).

    Returns:
        int64 (overlaps,).
    """
    if not len(true.labels_S) or not len(predicted.labels_S):
        return np.zeros(len(overlaps_O), np.int64)
    labels_P1, first_P1, behind_P1 = (values_P[:, None] for values_P in predicted)
    common_PS = np.minimum(behind_P1, true.behind_S) - np.maximum(first_P1, true.first_S)
    common_PS = np.where(labels_P1 == true.labels_S, common_PS.clip(0), 0)
    lengths_PS = (behind_P1 - first_P1) + (true.behind_S - true.first_S)
    overlap_PS = common_PS / (lengths_PS - common_PS)
    best_P, overlap_P = overlap_PS.argmax(axis=1), overlap_PS.max(axis=1)
    return np.array([len(np.unique(best_P[overlap_P >= least])) for least in overlaps_O])


def edit_score(true_S: Ints, predicted_S: Ints) -> float:
    """How alike the classes of a video's segments are in their order, however long these are.

    1 less Levenshtein's distance ("Binary codes capable of correcting deletions, insertions, and
    reversals", 1966) over the length of the longer sequence.

    Args:
        true_S: The class of each true segment, int64 (segments,).
        predicted_S: The class of each predicted one, int64 (segments,).

    Returns:
        From 0 to 1; nan where there is no segment.
    """
    places = np.arange(len(predicted_S) + 1)
    distances = places
    for number, label in enumerate(true_S, start=1):
        changed = np.minimum(distances[1:] + 1, distances[:-1] + (predicted_S != label))
        # whatever a place costs, the one behind it costs no more than 1 more
        reached = np.concatenate([[number], changed]) - places
        distances = np.minimum.accumulate(reached) + places
    longest = max(len(true_S), len(predicted_S))
    return 1 - float(distances[-1]) / longest if longest else float("nan")


def drawn_segmental_figures(counts: SegmentCounts) -> dict[str, DrawnFigure]:
    """F1 at each overlap, and the mean edit score of the videos that have a segment.

    Args:
        counts: The segments of each video.
    """
    all_V = counts.true_V + counts.predicted_V
    there_V = ~np.isnan(counts.edit_V)
    edit_V = np.where(there_V, counts.edit_V, 0)

    def f1(number: int) -> DrawnFigure:
        twice_V = 2 * counts.found_VO[:, number]
        return lambda counts_DV: share(counts_DV @ twice_V, counts_DV @ all_V)

    return {
        **{name: f1(number) for number, name in enumerate(OVERLAPS)},
        "edit": lambda counts_DV: share(counts_DV @ edit_V, counts_DV @ there_V),
    }
