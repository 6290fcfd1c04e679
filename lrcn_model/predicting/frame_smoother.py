"""Smooths the probabilities of frames as they come, as `detection.smoothing` does at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class FrameSmoother:
    """Averages each frame over those around it; what it holds is as many frames as that.

    Args:
        frames: The number of frames that the mean is over, an odd one; 1 changes nothing.
    """

    def __init__(self, frames: int) -> None:
        self._around = frames // 2
        # those that are near a frame that isn't given yet, in their order
        self._near: deque[tuple[int, Floats]] = deque()
        self._waiting: deque[int] = deque()

    def add(self, position: int, values_C: Floats) -> Iterator[tuple[int, Floats]]:
        """Take the next frame, and give those after which nothing more of theirs comes.

        Args:
            position: Its position in the fps stream, which rises from frame to frame.
            values_C: The probability of each class, (classes,).

        Yields:
            The position of each frame, and its mean, float64 (classes,).
        """
        while self._waiting and self._waiting[0] + self._around < position:
            yield self._next()
        self._near.append((position, values_C))
        self._waiting.append(position)
        if not self._around:
            yield self._next()

    def finish(self) -> Iterator[tuple[int, Floats]]:
        """Give the frames that are left, when no more come."""
        while self._waiting:
            yield self._next()

    def _next(self) -> tuple[int, Floats]:
        position = self._waiting.popleft()
        while self._near[0][0] < position - self._around:
            self._near.popleft()
        near = [values_C for other, values_C in self._near if other <= position + self._around]
        return position, np.mean(near, axis=0)
