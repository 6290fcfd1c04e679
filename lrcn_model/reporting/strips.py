"""The pictures of a page: a strip of frames for each clip, all of them small enough together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrcn_data.pages.data_uri import strip_uri

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_LETTERS = 3_200_000
"""The letters that all strips of a page have together, at most; with what stands beside them a page
of 200 clips stays below 4 MB."""

_MOST_OF_A_STRIP = 48_000

_HIGHEST, _LEAST = 120, 24
"""Between which heights in pixels frames are shown."""

_WIDEST = 2.0
"""How many times as wide as high a frame is shown, at most."""


def clip_strip(frames: Sequence[Image], clips: int) -> str:
    """Put the frames of a clip side by side, as large as fits a page with so many clips.

    Args:
        frames: The frames, in mode RGB; one at least.
        clips: The number of clips on the page.

    Returns:
        The address of the picture.
    """
    room = min(_MOST_OF_A_STRIP, MOST_LETTERS // max(1, clips))
    proportion = min(_WIDEST, max(1 / _WIDEST, frames[0].width / frames[0].height))
    height = _HIGHEST
    while True:
        strip = strip_uri(frames, (round(height * proportion), height))
        if len(strip) <= room or height == _LEAST:
            return strip
        # of half as many pixels a strip has somewhat more than half the letters
        smaller = height * math.sqrt(room / len(strip))
        height = max(_LEAST, min(int(smaller), height - 8))
