"""What the bytes of MPEG-4 pictures say without decoding them (ISO/IEC 14496-2)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

PICTURE_START = b"\0\0\1\xb6"
"""vop_start_code of ISO/IEC 14496-2, 6.3.5: an MPEG-4 picture begins. 2 bits follow: its type."""

_START_WORD = int.from_bytes(PICTURE_START, "little")

_GROUP = b"\0\0\1\xb3"
"""group_of_vop_start_code, likewise: the time of day follows, which is another in each group."""

_TIME_OF_DAY = 3
"""Bytes of it, two flags and stuffing, likewise."""

_INTRA, _BIDIRECTIONAL = 0, 2
"""vop_coding_type, 6.3.5: decoded by itself, or from a picture that is shown later too."""


def intra_pictures(
    read: Callable[[int, int], bytes],
    places: list[int],
    sizes: list[int],
    words: npt.NDArray[np.uint64],
) -> list[int] | None:
    """The numbers of the pictures that are decoded by themselves.

    Args:
        read: Gives so many bytes from a place in the file on.
        places: Of the pictures in it.
        sizes: Bytes of each, at least 8.
        words: The first 8 bytes of each, the first one lowest; (pictures,).

    Returns:
        None where some picture can't be told, is bidirectional, or has another header than the
        first one.
    """
    types = words >> 38 & 3
    first_header = b""
    for number in np.flatnonzero(words & 0xFFFFFFFF != _START_WORD).tolist():
        found = _behind_header(read(places[number], sizes[number]))
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
    """The header in front of a picture, without the time of its group, and the picture's type.

    None where there is no picture, or more than the time behind the start of its group.
    """
    start = picture.find(PICTURE_START, 0, -1)
    if start < 0:
        return None
    header, group, time = picture[:start].partition(_GROUP)
    if group and len(time) != _TIME_OF_DAY:
        return None
    return header, picture[start + len(PICTURE_START)] >> 6
