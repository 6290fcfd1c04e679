"""Average precision: how well scores put what has a class before what doesn't."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def average_precision(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    """The area under the curve of precision over recall, as steps, without interpolation.

    The sum over all different scores s, from the highest down, of (recall(s) - recall at the score
    before) x precision(s), where both are of those that score s or more: equal scores are one step,
    whatever their order. This is scikit-learn's `average_precision_score`.

    Args:
        scores: float64 (videos,), the score of each video.
        positive: bool (videos,), whether the video has the class.

    Returns:
        From 0 to 1; nan where no video has the class.
    """
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(positive[order])
    steps = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    precision, recall = hits[steps] / (steps + 1), hits[steps] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
