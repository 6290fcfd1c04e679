"""Reads the display matrix of a decoded picture, whatever else the picture carries."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import av
import av.filter
from av.sidedata.sidedata import Type

from lrcn_data.video.display_matrix import Matrix

_MOST_KINDS = 64
"""A number that the kinds of side data (AVFrameSideDataType), which libavutil counts from 0, don't
reach. It has 32 in version 60."""


def matrix_of(picture: av.VideoFrame) -> Matrix | None:
    """Read the display matrix of a picture, which comes from its container, its codec or its EXIF.

    Args:
        picture: A picture as it was decoded.

    Returns:
        The matrix; None if the picture is upright.
    """
    try:
        side_data = picture.side_data
    except ValueError:
        # PyAV fails at a kind that it has no name for, such as EXIF
        side_data = _without_unnamed(picture).side_data
    if not len(side_data):
        return None  # looking for it in vain takes longer
    data: Any = side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = memoryview(bytes(data)).cast("i")[:5]
    return None if (a > 0 and d > 0 and b == c == 0) else (a, b, c, d)


def _without_unnamed(picture: av.VideoFrame) -> av.VideoFrame:
    """A picture with the same pixels, without the kinds of side data that PyAV has no name for."""
    graph = av.filter.Graph()
    filters = [
        graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=picture.time_base or Fraction(1),  # a picture by itself has none
        ),
        *(graph.add("sidedata", f"mode=delete:type={kind}") for kind in _unnamed_kinds()),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*filters).configure()
    graph.vpush(picture)
    return graph.vpull()


@cache
def _unnamed_kinds() -> list[int]:
    return sorted({*range(_MOST_KINDS)} - {kind.value for kind in Type})
