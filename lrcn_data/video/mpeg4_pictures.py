"""Reads from the bytes of MPEG-4 pictures what they say without decoding (ISO/IEC 14496-2)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

PICTURE_START = b"\0\0\1\xb6"
"""The vop_start_code (ISO/IEC 14496-2, 6.3.5), with which an MPEG-4 picture begins. The next 2 bits
are the picture's type."""

_START_WORD = int.from_bytes(PICTURE_START, "little")

_GROUP = b"\0\0\1\xb3"
"""The group_of_vop_start_code of the same section. The time of day follows, which differs between
groups."""

_TIME_OF_DAY = 3
"""The number of bytes of the time of day, with two flags and stuffing; same section."""

_INTRA, _BIDIRECTIONAL = 0, 2
"""The vop_coding_type (6.3.5) of a picture that is decoded by itself, and of one that is decoded
from a picture that is shown later too."""


def intra_pictures(
    read: Callable[[int, int], bytes],
    offsets: list[int],
    sizes: list[int],
    words: npt.NDArray[np.uint64],
) -> list[int] | None:
    """Find the pictures that are decoded by themselves.

    Args:
        read: Reads from the file, given an offset and a number of bytes.
        offsets: The offset of each picture in the file.
        sizes: The number of bytes of each picture, at least 8.
        words: uint64 (pictures,), the first 8 bytes of each picture, the first one lowest.

    Returns:
        The numbers of these pictures; None if the type of some picture can't be told, some picture
        is bidirectional, or some has another header than the first one.
    """
    types = words >> 38 & 3
    first_header = b""
    for number in np.flatnonzero(words & 0xFFFFFFFF != _START_WORD).tolist():
        found = _behind_header(read(offsets[number], sizes[number]))
        if found is None:
            return None
        header, types[number] = found
        if number == 0:
            first_header = header
        if header not in (first_header, b""):
            return None
    if np.count_nonzero(types == _BIDIRECTIONAL):
        return None
    return np.flatnonzero(types == _INTRA).tolist()


def _behind_header(picture: bytes) -> tuple[bytes, int] | None:
    """Read the header in front of a picture, without the time of its group, and the picture's type.

    Returns:
        The header and the type; None if there is no picture, or if something else than the time
        follows the start of its group.
    """
    start = picture.find(PICTURE_START, 0, -1)
    if start < 0:
        return None
    header, group, time = picture[:start].partition(_GROUP)
    if group and len(time) != _TIME_OF_DAY:
        return None
    return header, picture[start + len(PICTURE_START)] >> 6
