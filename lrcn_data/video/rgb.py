"""Turns decoded pictures into upright RGB arrays of one size, in the same way for both decoders."""

from __future__ import annotations

import threading
from typing import cast

import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from lrcn_data.pixels import RGB
from lrcn_data.video.display_matrix import Matrix, upright

_NEAREST_SPACE = {10: 9, 8: 2, **dict.fromkeys(range(11, 19), 2)}
"""For colour matrices (ISO/IEC 23091-2, 8.3) that the scaler doesn't know, the one to take instead:
for BT.2020 with constant luminance, the one without; for the rest, the one for unknown matrices."""


class RgbConverter:
    """Turns decoded pictures into upright RGB arrays of one size.

    Both decoders use it on the decoder's own pixels, so that they give the same bytes: how ffmpeg's
    scale filter converts would depend on its version and flags. Chroma is taken from the nearest
    sample, since anything smoother depends on fields that only one of the decoders knows.
    """

    def __init__(self) -> None:
        self._reformatter = _kept_reformatter()
        self._size: tuple[int, int] | None = None

    def fix_size(self, picture: VideoFrame) -> None:
        """Take the first picture's size for all arrays, whether or not that picture is wanted."""
        self._size = self._size or (picture.width, picture.height)

    def convert(self, picture: VideoFrame, *, matrix: Matrix | None) -> RGB:
        """Convert a picture.

        Args:
            picture: The picture as it was decoded.
            matrix: The container's display matrix; None if pictures are upright already.

        Returns:
            An array that no other picture shares, uint8 (height, width, 3). A picture of another
            size than the first one is scaled to the first one's.
        """
        if picture.interlaced_frame or (
            picture.height % 2 and picture.format.name.startswith("yuv")
        ):
            picture = _unmarked(picture)
        if picture.colorspace in _NEAREST_SPACE:
            picture.colorspace = _NEAREST_SPACE[picture.colorspace]
        self.fix_size(picture)
        assert self._size is not None
        same_size = self._size == (picture.width, picture.height)
        converted = self._reformatter.reformat(
            picture,
            width=self._size[0],
            height=self._size[1],
            format="rgb24",
            interpolation=Interpolation.POINT if same_size else Interpolation.BILINEAR,
            threads=1,
        )
        if converted is picture:
            # the decoder's own memory, which may be upside down
            return upright(cast(RGB, converted.to_ndarray()), matrix)
        plane, (width, height) = converted.planes[0], self._size
        rgb: RGB = np.ndarray(
            (height, width, 3), np.uint8, cast(bytes, plane), strides=(plane.line_size, 3, 1)
        )
        return upright(rgb, matrix)


def _kept_reformatter() -> VideoReformatter:
    """The reformatter for all videos of this thread; making its tables costs ten conversions."""
    if not hasattr(_of_thread, "reformatter"):
        _of_thread.reformatter = VideoReformatter()
    reformatter: VideoReformatter = _of_thread.reformatter
    return reformatter


_of_thread = threading.local()


def _unmarked(picture: VideoFrame) -> VideoFrame:
    """Copy a picture without some marks, which pictures from an ffmpeg process don't have.

    With the mark of interlacing, chroma would be taken by field. The mark that says where chroma
    lies in relation to luma matters where the number of rows is odd.
    """
    copy = VideoFrame(picture.width, picture.height, picture.format.name)
    for source, target in zip(picture.planes, copy.planes, strict=True):
        rows_from = _rows(source)
        rows_to = _rows(target)
        rows = min(len(rows_from), len(rows_to))
        width = min(source.line_size, target.line_size)
        rows_to[:rows, :width] = rows_from[:rows, :width]
    copy.colorspace = picture.colorspace
    copy.color_range = picture.color_range
    return copy


def _rows(plane: VideoPlane) -> RGB:
    """The memory of a plane as an array, uint8 (rows, bytes of a row)."""
    return np.frombuffer(cast(bytes, plane), np.uint8).reshape(-1, plane.line_size)
