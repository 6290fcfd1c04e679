"""Average precision: how well scores put what has a class before what doesn't."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def average_precision(scores_V: Floats, positive_V: npt.NDArray[np.bool_]) -> float:
    """The area under the curve of precision over recall, as steps, without interpolation.

    The sum over all different scores s, from the highest down, of (recall(s) - recall at the score
    before) x precision(s), where both are of those that score s or more: equal scores are one step,
    whatever their order. This is scikit-learn's `average_precision_score`.

    Args:
        scores_V: float64 (videos,), the score of each video.
        positive_V: bool (videos,), whether the video has the class.

    Returns:
        From 0 to 1; nan where no video has the class.
    """
    return float(weighted_average_precision(scores_V, positive_V, np.ones((1, len(scores_V))))[0])


def weighted_average_precision(
    scores_V: Floats, positive_V: npt.NDArray[np.bool_], weights_DV: Floats
) -> Floats:
    """The average precision where each video counts with a weight, for many sets of weights.

    scikit-learn's `average_precision_score` takes one such set at a time (`sample_weight`): the
    9,999 draws of 500 videos with 50 classes would take it minutes.

    Args:
        scores_V: float64 (videos,), the score of each video.
        positive_V: bool (videos,), whether the video has the class.
        weights_DV: float64 (draws, videos), the weight of each video.

    Returns:
        float64 (draws,), each from 0 to 1; nan where no video with a weight has the class.
    """
    if not positive_V.any():
        return np.full(len(weights_DV), np.nan)
    order_V = np.argsort(-scores_V, kind="stable")
    ranked_V = scores_V[order_V]
    steps_S = np.append(np.flatnonzero(np.diff(ranked_V)), len(ranked_V) - 1)
    ordered_DV = weights_DV[:, order_V]
    above_DS = np.cumsum(ordered_DV, axis=1)[:, steps_S]
    hits_DS = np.cumsum(ordered_DV * positive_V[order_V], axis=1)[:, steps_S]
    with np.errstate(invalid="ignore"):
        # nothing above the first video that was drawn
        precision_DS = np.where(above_DS > 0, hits_DS / above_DS, 0.0)
        recall_DS = hits_DS / hits_DS[:, -1:]
    found_D: Floats = (np.diff(recall_DS, axis=1, prepend=0.0) * precision_DS).sum(axis=1)
    return found_D
