"""Which input file a sample is from: a number for it, which indices hold.

A video is known by its path in its list together with this number, wherever videos are counted,
joined or compared: equal paths of two data sets are different videos.
"""

from __future__ import annotations

UNKNOWN_SOURCE = 0
"""Stands for the source of a sample in an index that was made without knowing its input."""


def source_number(sha256: str) -> int:
    """The number by which an input file is known in an index.

    Args:
        sha256: The SHA-256 of the file, in hexadecimal.

    Returns:
        Its first 8 bytes as a signed integer.
    """
    return int.from_bytes(bytes.fromhex(sha256[:16]), "big", signed=True)


def source_text(source: int) -> str:
    """The first 16 hexadecimal digits of the SHA-256 that a source's number was made from."""
    return source.to_bytes(8, "big", signed=True).hex()
