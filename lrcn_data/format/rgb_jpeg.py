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
        """The frame as it is."""
        return rgb

    def encode(self, picture: Picture, quality: int) -> bytes:
        """A JPEG of a picture, uint8 (height, width, 3)."""
        jpeg: bytes = simplejpeg.encode_jpeg(
            np.ascontiguousarray(picture), quality=quality, colorsubsampling="420"
        )
        return jpeg

    def decode(self, data: memoryview, into: Picture) -> None:
        """Decode a JPEG into uint8 (height, width, 3).

        Raises:
            ShardError: It has another size, or too many scans.
            ValueError: It is damaged, or larger than there is room for.
        """
        _check_scans(data)
        picture = simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=into)
        if picture.shape != into.shape:
            raise size_error(picture.shape[1], picture.shape[0], into)


RGB_JPEG = RgbJpeg()
"""The kind of frames where none is named."""


def _check_scans(jpeg: memoryview) -> None:
    """Refuse a JPEG that goes over its pixels again and again.

    A scan may take ten bytes and all pixels' time; encoders write one, or ten where the JPEG is
    progressive.

    Raises:
        ShardError: It has too many.
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
    """Whether the first scan has all components, after which decoders take no other.

    Looks at the segments before it (ITU-T T.81, B.1 and B.2): 40 times as fast as a search. False
    where there is anything that decoders might read differently.
    """
    components, place = 0, 2
    while place + 10 <= len(jpeg) and jpeg[place] == 0xFF:
        marker = jpeg[place + 1]
        if marker == 0xDA:
            return components > 0 and jpeg[place + 4] == components
        if marker in _FRAME_OF_ONE_PASS:
            components = jpeg[place + 9]
        elif marker not in _OTHER_SEGMENTS:
            return False
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return False
