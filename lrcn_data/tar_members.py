"""A sample's bytes in a shard: the tar that webdataset's TarWriter writes, byte for byte.

Not written by it: Python's tarfile, which it uses, takes a tenth of a clip's whole time for its ten
members, and where torch is installed webdataset imports it.
"""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 512
"""Bytes that everything in a tar is padded to."""

_RECORD = 20 * BLOCK
"""Bytes that a tar's length is a multiple of."""

_MODE_AND_IDS = b"0000444\0" + b"0000000\0" * 2
_END_AND_TIME = b"\0" + b"%011o\0" % 0
_OWNER = b"bigdata".ljust(32, b"\0")
_REST = b"".join((b"0", bytes(100), b"ustar\x0000", _OWNER, _OWNER, bytes(16 + 155 + 12)))
"""A plain file, no link; USTAR; user, group, no device, no prefix (POSIX.1-2001, pax, ustar)."""

_CONSTANT_SUM = sum(_MODE_AND_IDS + _END_AND_TIME + _REST) + 8 * ord(" ")
"""Of the bytes that all headers share. The checksum is made with spaces in its place."""


def sample_bytes(key: str, endings: Sequence[str], members: Sequence[bytes]) -> bytes:
    """All members of a sample as they lie in a tar.

    Args:
        key: The sample's, at most 80 ASCII characters.
        endings: Of the members' names, in order.
        members: What they hold.
    """
    parts: list[bytes] = []
    for ending, data in zip(endings, members, strict=True):
        name = f"{key}.{ending}".encode("ascii")
        parts += (_header(name, len(data)), data, bytes(-len(data) % BLOCK))
    return b"".join(parts)


def tar_end(length: int) -> bytes:
    """What follows the last of so many bytes of members: two empty blocks or more."""
    return bytes(2 * BLOCK + -(length + 2 * BLOCK) % _RECORD)


def _header(name: bytes, size: int) -> bytes:
    octal = b"%011o" % size
    checksum = b"%06o\0 " % (sum(name) + sum(octal) + _CONSTANT_SUM)
    padded = name.ljust(100, b"\0")
    return b"".join((padded, _MODE_AND_IDS, octal, _END_AND_TIME, checksum, _REST))
