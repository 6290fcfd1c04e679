"""A confusion matrix as a page shows it: a table of buttons, or, of many classes, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lrcn_model.figures.confused_pairs import ConfusedPair, most_confused
from lrcn_model.reporting.shown_clip import Ints

_MOST_IN_TABLE = 24
"""Classes up to which the matrix is a table; that of more doesn't fit a screen."""

_MOST_PAIRS = 20


class Matrix(NamedTuple):
    """A confusion matrix.

    Attributes:
        kind: What its script calls it: `videos`, `frames` or `segments`, which says which clips a
            cell opens.
        title: What it is of.
        classes: The numbers of the classes in it, whose names are known.
        rows: The counts, by class and by class recognized, where it is shown as a table; else none.
        cells: Number of the class, number of the class recognized, and count, of all cells that
            aren't 0.
        pairs: The pairs of classes that are confused most often.
    """

    kind: str
    title: str
    classes: list[int]
    rows: list[list[int]]
    cells: list[list[int]]
    pairs: list[ConfusedPair]


def matrix(kind: str, title: str, counts_CC: Ints | Sequence[Sequence[int]]) -> Matrix:
    """Make a matrix of all classes that occur.

    Args:
        kind: What its script calls it.
        title: What it is of.
        counts_CC: How often each class is recognized as each class, int64 (classes, classes).
    """
    counts = np.asarray(counts_CC, np.int64)
    there = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    small = len(there) <= _MOST_IN_TABLE
    return Matrix(
        kind=kind,
        title=title,
        classes=there.tolist(),
        rows=counts[np.ix_(there, there)].tolist() if small else [],
        cells=[[i, j, int(counts[i, j])] for i, j in np.argwhere(counts).tolist()],
        pairs=most_confused(counts.tolist())[:_MOST_PAIRS],
    )
