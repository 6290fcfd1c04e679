"""The mean of what several clips say of a frame, as soon as no later one says anything of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class FrameMeans:
    """Adds up values of frames; memory is that of frames of which more may be said."""

    def __init__(self) -> None:
        self._sums: dict[int, tuple[Floats, int]] = {}

    def add(self, positions: Iterable[int], values_FC: Iterable[npt.NDArray[np.float32]]) -> None:
        """Add what a clip says.

        Args:
            positions: The frames, by their positions in the fps stream.
            values_FC: The values of each, (frames, classes).
        """
        for position, values_C in zip(positions, values_FC, strict=False):
            sums_C, count = self._sums.get(position, (0.0, 0))
            self._sums[position] = sums_C + values_C.astype(np.float64), count + 1

    def settled(self, before: int) -> Iterator[tuple[int, Floats]]:
        """Take out the frames before a position, in their order.

        Yields:
            The position of each frame, and the mean of its values, float64 (classes,).
        """
        for position in sorted(position for position in self._sums if position < before):
            sums_C, count = self._sums.pop(position)
            yield position, sums_C / count
