"""What a kind of frames is: the picture that is stored of a video's frame, and how it is encoded.

`format.frame_kinds` has the table of all kinds. Nothing here needs torch: how a picture changes
when left and right are exchanged is stated as data, for the code that trains on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.pictures import resized
from lrcn_data.pixels import RGB, Picture
from lrcn_data.size import Size

UNDECODABLE = (ValueError, OSError, SyntaxError)
"""What libraries raise for bytes that they can't decode; Pillow raises all three."""

NEXT_IN_SOURCE: Final = "next in source"
"""The neighbour that is the next frame of the video itself, whatever the fps stream takes of it."""

Neighbour = int | Literal["next in source"]
"""The second frame that a picture is made from: its offset in the fps stream, 0 for none, or
`NEXT_IN_SOURCE`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameKind(ABC):
    """Base of all kinds of frames; a kind is made from the name by which it was chosen and no more.

    Attributes:
        name: The name by which the kind is recorded in data sets and runs: one in the table, or
            `package.module:Class`.
        channels: The number of channels of its pictures.
        ending: The ending, without a dot, of the members that hold its encoded pictures.
        coding: The name of the encoding in messages, such as JPEG.
        starts_with: The bytes that every encoded picture starts with.
        neighbour: The second frame that each picture is made from: its offset in the fps stream, 1
            for the next frame, -1 for the one before; or `NEXT_IN_SOURCE`. 0 if there is none.
        mirrored_channels: The numbers of the channels whose values v become 255 - v when left and
            right are exchanged, as those of a movement to the left or right do.
        has_colours: Whether the channels are red, green and blue, so that brightness, contrast and
            saturation may be varied.
        values: What else decides the pictures, by name, as JSON has it; data sets record it.
    """

    channels: ClassVar[int]
    ending: ClassVar[str]
    coding: ClassVar[str]
    starts_with: ClassVar[bytes] = b""
    neighbour: ClassVar[Neighbour] = 0
    mirrored_channels: ClassVar[tuple[int, ...]] = ()
    has_colours: ClassVar[bool] = False
    values: ClassVar[Mapping[str, Any]] = {}

    name: str

    @abstractmethod
    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        """Make the picture that is stored of a frame.

        Args:
            rgb: The frame at its stored size, uint8 (height, width, 3).
            number: The number of the frame in its video, counted from 0.
            neighbour: The second frame, of the same size. At an offset in the fps stream that is
                beyond its ends, its first or last frame. Of `NEXT_IN_SOURCE` the one after the
                frame; the video's last frame has none, and is stood in for by the frame before it,
                whose neighbour it is (a video of a single frame by that frame twice). None if the
                kind asks for no neighbour.

        Returns:
            The picture, uint8 (height, width, channels).
        """

    def tools(self) -> Mapping[str, str]:
        """The versions of the libraries that make the pictures, beside numpy and Pillow, by name.

        Raises:
            UsageError: A library isn't installed.
        """
        return {}

    @abstractmethod
    def encode(self, picture: Picture, quality: int) -> bytes:
        """Encode a picture.

        Args:
            picture: The picture as `picture` has made it, uint8 (height, width, channels).
            quality: The quality, from 1 to 100; only lossy encodings need it.
        """

    @abstractmethod
    def decode(self, data: memoryview, into: Picture) -> None:
        """Decode a picture strictly.

        Args:
            data: The encoded picture. Nothing in it is to be trusted.
            into: The array that its pixels are written into, uint8 (height, width, channels) in one
                piece of memory. Its shape is the one that the sample's json states.

        Raises:
            ShardError: The picture is not one that is wanted, such as one of another size
                (`size_error`). The message says what the frame "has", and what helps.
            ValueError, OSError, SyntaxError: The data can't be decoded.
        """


def make_picture(
    kind: FrameKind, rgb: RGB, *, size: Size | None, number: int, neighbour: RGB | None
) -> Picture:
    """Make the picture that is stored of a frame.

    Args:
        kind: The kind of the picture.
        rgb: The frame as it was decoded, uint8 (height, width, 3).
        size: The (width, height) in pixels to store; None for the frame's own.
        number: The number of the frame in its video, counted from 0.
        neighbour: The second frame that the kind asks for, as it was decoded; None if it asks for
            none.

    Returns:
        The picture, uint8 (height, width, channels).

    Raises:
        LrcnError: The kind has made a picture of another shape or type.
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
    """Make the error for a picture of another size than the sample's json states.

    Args:
        width: The picture's width in pixels.
        height: The picture's height in pixels.
        into: The array that it was to be decoded into, which has the stated size.
    """
    return ShardError(
        f"has {width}x{height} pixels where its json says {into.shape[1]}x{into.shape[0]}; make"
        " the shard anew"
    )
