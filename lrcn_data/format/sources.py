"""Which input file a sample is from: a number for it, which indices hold.

A video is known by its path in its list together with this number, wherever videos are counted,
joined or compared: equal paths of two data sets are different videos.
"""

from __future__ import annotations

import hashlib
import re

_SHA256 = re.compile(r"[0-9a-f]{64}")

_FIRST_STAND_IN = 1 << 63

UNKNOWN_SOURCE = 0
"""Stands for the source of a sample in an index that was made without knowing its input."""


def is_sha256(text: object) -> bool:
    """Whether this is a SHA-256 in hexadecimal."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def source_number(sha256: str) -> int:
    """The number by which an input file is known in an index.

    Args:
        sha256: The SHA-256 of the file, in hexadecimal.

    Returns:
        Its first 8 bytes as a signed integer.
    """
    return int.from_bytes(bytes.fromhex(sha256[:16]), "big", signed=True)


def stand_in(fingerprint: str) -> int:
    """A number for the input files of a data set whose index doesn't know them.

    It tells the videos of one data set from those of another, and is larger than any number of a
    known file.

    Args:
        fingerprint: The fingerprint of the data set.
    """
    digest = hashlib.sha256(fingerprint.encode(errors="surrogateescape")).digest()
    return _FIRST_STAND_IN + int.from_bytes(digest[:8], "big")


def source_text(source: int) -> str:
    """The first 16 hexadecimal digits of a known file's SHA-256; nothing for one that isn't."""
    if source == UNKNOWN_SOURCE or source >= _FIRST_STAND_IN:
        return ""
    return source.to_bytes(8, "big", signed=True).hex()
