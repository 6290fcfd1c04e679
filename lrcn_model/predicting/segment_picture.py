"""How segments look on pictures: the bar of a video's segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrcn_data.pixels import RGB
from lrcn_model.pictures.class_colours import class_colour
from lrcn_model.predicting.segments import Segment

_NONE = (64, 64, 64)
"""Where a video shows none of the classes."""


def segment_bar(segments: Sequence[Segment], duration: float, size: tuple[int, int]) -> RGB:
    """A bar along which a video's time goes, in the colours of its segments.

    Args:
        segments: The segments. Where several are at once, they lie one below the other.
        duration: The length of the video in seconds.
        size: The (width, height) of the bar in pixels.

    Returns:
        The picture, uint8 (height, width, 3).
    """
    width, height = size
    bar = np.empty((height, width, 3), np.uint8)
    bar[:] = _NONE
    lanes: list[float] = []
    placed = []
    for segment in sorted(segments, key=lambda one: (one.start, one.end)):
        lane = next((n for n, end in enumerate(lanes) if end <= segment.start), len(lanes))
        lanes[lane : lane + 1] = [segment.end]
        placed.append((lane, segment))
    for lane, segment in placed:
        top, below = (height * n // len(lanes) for n in (lane, lane + 1))
        left, right = (
            round(width * seconds / max(duration, 1e-9)) for seconds in (segment.start, segment.end)
        )
        bar[top:below, left : max(right, left + 1)] = class_colour(segment.label)
    return bar
