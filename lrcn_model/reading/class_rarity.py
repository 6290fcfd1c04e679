"""What a window of several classes counts as, where classes are taken equally often."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lrcn_data.format.records import NO_CLASS

Numbers = npt.NDArray[np.int64]


class ClassRarity:
    """Which classes fewer frames have, so that an action of a few frames decides for its window.

    Args:
        frame_labels: The class of each frame, integers in any shape; -1 where one has none.
        classes: The number of classes.
    """

    def __init__(self, frame_labels: npt.NDArray[np.integer], classes: int) -> None:
        counts = np.bincount(frame_labels[frame_labels >= 0], minlength=classes)
        rarest_first = np.argsort(counts, kind="stable")
        self._by_rank = np.append(rarest_first, NO_CLASS)
        # the last one is that of -1
        self._ranks = np.full(classes + 1, classes)
        self._ranks[rarest_first] = np.arange(classes)

    def rarest(self, labels: npt.NDArray[np.integer]) -> Numbers:
        """The rarest class of each window, int64 (...); -1 where it holds none.

        Args:
            labels: The class of each frame, (..., frames); -1 where one has none.
        """
        rarest: Numbers = self._by_rank[self._ranks[labels].min(axis=-1)]
        return rarest
