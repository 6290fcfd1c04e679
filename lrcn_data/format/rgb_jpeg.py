"""The frames themselves as JPEGs, 4:2:0: encoded, and decoded strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import simplejpeg

from lrcn_data.errors import ShardError
from lrcn_data.format.frame_kind import FrameKind, size_error
from lrcn_data.pixels import RGB, Picture

_MOST_SCANS = 32
_SCAN = re.compile(rb"\xff\xda")
_FRAME_OF_ONE_PASS = (0xC0, 0xC1)
_OTHER_SEGMENTS = frozenset([0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE])


@dataclass(frozen=True, kw_only=True, slots=True)
class RgbJpeg(FrameKind):
    """Red, green and blue, as a JPEG with colours at half the resolution."""

    channels: ClassVar[int] = 3
    ending: ClassVar[str] = "jpg"
    coding: ClassVar[str] = "JPEG"
    starts_with: ClassVar[bytes] = b"\xff\xd8\xff"
    has_colours: ClassVar[bool] = True

    name: str = "rgb"

    def picture(self, rgb: RGB, number: int, neighbour: RGB | None) -> Picture:
        """Give back the frame as it is."""
        return rgb

    def encode(self, picture: Picture, quality: int) -> bytes:
        """Encode a picture, uint8 (height, width, 3), as a JPEG."""
        jpeg: bytes = simplejpeg.encode_jpeg(
            np.ascontiguousarray(picture), quality=quality, colorsubsampling="420"
        )
        return jpeg

    def decode(self, data: memoryview, into: Picture) -> None:
        """Decode a JPEG into an array, uint8 (height, width, 3).

        Raises:
            ShardError: The JPEG has another size, or too many scans.
            ValueError: The JPEG is damaged, or larger than there is room for.
        """
        _check_scans(data)
        picture = simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=into)
        if picture.shape != into.shape:
            raise size_error(picture.shape[1], picture.shape[0], into)


RGB_JPEG = RgbJpeg()
"""The kind of frames that is used where none is named."""


def _check_scans(jpeg: memoryview) -> None:
    """Refuse a JPEG that goes over its pixels again and again.

    A scan may take only ten bytes, but as much time as all pixels need. Encoders write one scan, or
    ten if the JPEG is progressive.

    Raises:
        ShardError: The JPEG has too many scans.
    """
    if _has_one_scan(jpeg):
        return
    scans = len(_SCAN.findall(jpeg))
    if scans > _MOST_SCANS:
        raise ShardError(
            f"has {scans:,} scans, more than the {_MOST_SCANS} that are decoded; make the shard"
            " anew"
        )


def _has_one_scan(jpeg: memoryview) -> bool:
    """Whether the first scan has all components, after which decoders read no other.

    This looks at the segments before the scan (ITU-T T.81, B.1 and B.2), 40 times as fast as a
    search for scans. It is False where there is anything that decoders might read differently.
    """
    components, offset = 0, 2
    while offset + 10 <= len(jpeg) and jpeg[offset] == 0xFF:
        marker = jpeg[offset + 1]
        if marker == 0xDA:
            return components > 0 and jpeg[offset + 4] == components
        if marker in _FRAME_OF_ONE_PASS:
            components = jpeg[offset + 9]
        elif marker not in _OTHER_SEGMENTS:
            return False
        offset += 2 + int.from_bytes(jpeg[offset + 2 : offset + 4], "big")
    return False
