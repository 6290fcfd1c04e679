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

    scikit-learn's `average_precision_score` takes one such set at a time (`sample_weight`): 9,999
    draws of 500 videos with 50 classes took it nine minutes, and this three seconds.

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
    own_P = np.flatnonzero(positive_V[order_V])
    # the place of the last video that scores as much as each one that has the class
    last_P = np.searchsorted(-ranked_V, -ranked_V[own_P], side="right") - 1
    weights_DP = weights_DV[:, order_V[own_P]]
    above_DP = np.cumsum(weights_DV[:, order_V], axis=1)[:, last_P]
    hits_DP = np.cumsum(weights_DP, axis=1)[:, np.searchsorted(own_P, last_P, side="right") - 1]
    with np.errstate(invalid="ignore"):
        # a video without a weight, above which there is none with one, adds nothing
        precision_DP = np.where(above_DP > 0, hits_DP / above_DP, 0.0)
        found_D: Floats = (weights_DP * precision_DP).sum(axis=1) / weights_DP.sum(axis=1)
    return found_D
