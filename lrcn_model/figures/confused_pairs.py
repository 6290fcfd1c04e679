"""Which classes are taken for which: what a confusion matrix says, in the order of its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class ConfusedPair(NamedTuple):
    """A class that is taken for another one.

    Attributes:
        label: The number of the class.
        recognized: The number of the class that is recognized in its place.
        times: How often.
        share: The share of the class of which that is so, from 0 to 1.
    """

    label: int
    recognized: int
    times: int
    share: float


def most_confused(confusion: Sequence[Sequence[int]]) -> list[ConfusedPair]:
    """All pairs of classes that are confused, the most frequent first.

    Args:
        confusion: How often, by class (rows) and class recognized (columns).
    """
    pairs = [
        ConfusedPair(label, recognized, count, count / sum(row))
        for label, row in enumerate(np.asarray(confusion).tolist())
        for recognized, count in enumerate(row)
        if count and label != recognized
    ]
    return sorted(pairs, key=lambda pair: (-pair.times, -pair.share, pair.label, pair.recognized))
