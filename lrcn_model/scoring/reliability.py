"""How often answers are right of those that are equally sure: what a reliability diagram shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrcn_model.scoring.calibration import BINS, bin_numbers

Floats = npt.NDArray[np.float64]


class ReliabilityBin(NamedTuple):
    """The answers whose probability is in one of the equal parts from 0 to 1.

    Attributes:
        low: Where the part begins; it is open there, and closed at its end.
        high: Where it ends.
        answers: Their number; one at least.
        probability: Their mean probability.
        right: The share of them that is right.
    """

    low: float
    high: float
    answers: int
    probability: float
    right: float


def reliability(probs_N: Floats, right_N: npt.NDArray[np.bool_]) -> list[ReliabilityBin]:
    """Divide answers by their probability, as the expected calibration error does.

    Args:
        probs_N: The probability of each answer, float64 (answers,).
        right_N: Whether it is right, bool (answers,).

    Returns:
        The bins that have answers, in order.
    """
    numbers_N = bin_numbers(probs_N)
    found = []
    for number in np.unique(numbers_N).tolist():
        own_N = numbers_N == number
        ends = number / BINS, (number + 1) / BINS
        means = float(probs_N[own_N].mean()), float(right_N[own_N].mean())
        found.append(ReliabilityBin(*ends, int(own_N.sum()), *means))
    return found
