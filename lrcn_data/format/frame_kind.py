"""What a kind of frame is: the picture that is stored of a video's frame, and how it is encoded.

Which kinds there are is in `format.frame_kinds`. Nothing here needs torch: how a picture changes
when left and right are exchanged is said as data, for whoever trains on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.pictures import resized
from lrcn_data.pixels import RGB, Picture
from lrcn_data.size import Size

UNDECODABLE = (ValueError, OSError, SyntaxError)
"""What libraries raise for bytes that they can't decode; Pillow raises all three."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameKind(ABC):
    """Base of all kinds of frames. A kind is made with the name by which it was chosen, alone.

    Attributes:
        name: One of the table's, or `package.module:Class`; recorded in data sets and runs.
        channels: Of its pictures.
        ending: Of the members that hold its encoded pictures, without a dot.
        coding: What an encoded picture is called in messages, such as JPEG.
        starts_with: The bytes that every encoded picture starts with.
        neighbour: Which other frame a picture is made from as well, as an offset in the fps
            stream: 1 for the next frame, -1 for the one before; 0 for none.
        mirrored_channels: Channels whose values v become 255 - v when left and right are exchanged,
            as those of a movement to the left or right do.
        has_colours: Whether it has the channels red, green and blue, whose brightness, contrast
            and saturation may be varied.
    """

    channels: ClassVar[int]
    ending: ClassVar[str]
    coding: ClassVar[str]
    starts_with: ClassVar[bytes] = b""
    neighbour: ClassVar[int] = 0
    mirrored_channels: ClassVar[tuple[int, ...]] = ()
    has_colours: ClassVar[bool] = False

    name: str

    @abstractmethod
    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        """Make the picture that is stored of a frame.

        Args:
            rgb: The frame at its stored size, uint8 (height, width, 3).
            number: Of the frame in its video, from 0.
            neighbour: The frame that `neighbour` asks for, of the same size, where the video has
                one; beyond the video's ends its first or last frame. None if none is asked for.

        Returns:
            uint8 (height, width, channels).
        """

    @abstractmethod
    def encode(self, picture: Picture, quality: int) -> bytes:
        """Encode a picture, uint8 (height, width, channels).

        Args:
            picture: As `picture` has made it.
            quality: 1 to 100; only codings with losses need it.
        """

    @abstractmethod
    def decode(self, data: memoryview, into: Picture) -> None:
        """Decode a picture strictly.

        Args:
            data: The encoded picture. Nothing in it is to be trusted.
            into: Where its pixels go, uint8 (height, width, channels) in one piece of memory; the
                shape is that which the sample's json says.

        Raises:
            ShardError: It is a picture that is not wanted, such as one of another size
                (`size_error`); says what the frame "has", and what helps.
            ValueError, OSError, SyntaxError: It can't be decoded.
        """


def make_picture(
    kind: FrameKind, rgb: RGB, *, size: Size | None, number: int, neighbour: RGB | None
) -> Picture:
    """Make the picture that is stored of a frame.

    Args:
        kind: Of the picture.
        rgb: The frame as it was decoded.
        size: (width, height) to store; None for the frame's own.
        number: Of the frame in its video, from 0.
        neighbour: The frame that the kind asks for, as it was decoded, or None.

    Returns:
        uint8 (height, width, channels).

    Raises:
        LrcnError: The kind has made something else.
    """
    rgb = resized(rgb, size)
    near = None if neighbour is None else resized(neighbour, size)
    picture = kind.picture(rgb, number, near)
    wanted = (*rgb.shape[:2], kind.channels)
    if picture.shape != wanted or picture.dtype != rgb.dtype:
        raise LrcnError(
            f"--frame-kind {kind.name} made a picture of {picture.dtype} {picture.shape} where"
            f" {rgb.dtype} {wanted} is wanted; mend its picture()"
        )
    return picture


def size_error(width: int, height: int, into: Picture) -> ShardError:
    """The error for a picture of another size than the sample's json says."""
    return ShardError(
        f"has {width}x{height} pixels where its json says {into.shape[1]}x{into.shape[0]}; make"
        " the shard anew"
    )
