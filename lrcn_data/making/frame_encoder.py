"""How a wanted frame is kept: resized if asked, summed up for the mean image, and encoded."""

from __future__ import annotations

from typing import Self

from lrcn_data.format.frame_kind import FrameKind, Neighbour, make_picture
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.pixels import RGB
from lrcn_data.size import Size


class FrameEncoder:
    """Encodes the wanted frames of one video after another, each frame as it comes.

    Args:
        kind: The kind of frames, which says what is stored of a frame.
        size: The (width, height) in pixels at which frames are stored; None for each video's own.
        canvas: The (width, height) in pixels on which frames are summed up; None where they are
            not.
        quality: The quality of the encoding, from 1 to 100.

    Attributes:
        sums: The pixel sums of this video's pictures before encoding; None where there are none.
        width: The width of this video's stored frames in pixels; 0 before the first one.
        height: The height of this video's stored frames in pixels; 0 before the first one.
    """

    def __init__(
        self, *, kind: FrameKind, size: Size | None, canvas: Canvas | None, quality: int
    ) -> None:
        self._kind = kind
        self._size = size
        self._quality = quality
        self.sums = PixelSums(canvas, kind.channels) if canvas else None
        self.width = self.height = 0

    @classmethod
    def of(cls, options: ShardOptions, *, summed: bool = True) -> Self:
        """The encoder of a data set's frames; `summed` says whether they are summed up."""
        return cls(
            kind=options.kind_of_frames,
            size=options.size,
            canvas=options.canvas if summed else None,
            quality=options.quality,
        )

    @property
    def neighbour(self) -> Neighbour:
        """The second frame that each one has to come with; see `FrameKind`."""
        return self._kind.neighbour

    def begin(self) -> None:
        """Forget everything, because another video is read, or the same one again."""
        if self.sums is not None:
            self.sums.clear()
        self.width = self.height = 0

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> bytes:
        """Encode a frame and add it to the sums; see `sampling.clips.FrameKeeper`."""
        picture = make_picture(self._kind, rgb, size=self._size, number=number, neighbour=neighbour)
        self.height, self.width = picture.shape[:2]
        if self.sums is not None:
            self.sums.add(picture, uses)
        return self._kind.encode(picture, self._quality)
