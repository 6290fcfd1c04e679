"""The members of a tar, written and read: what webdataset's TarWriter writes, byte for byte.

Not written by it: Python's tarfile, which it uses, takes a tenth of a clip's whole time for its ten
members, and where torch is installed webdataset imports it.
"""

from __future__ import annotations

import re

from lrcn_data.errors import ShardError

BLOCK = 512
"""The size in bytes of a tar's blocks; everything in it is padded to whole ones."""

MAX_END_BYTES = 1 << 20
"""The most bytes after the last sample; tars are filled up to blocks of a megabyte at most."""

_RECORD = 20 * BLOCK
"""The number of bytes that a tar's length is a multiple of."""

_OCTAL = re.compile(rb"[0-7]{1,11}")

_MODE_AND_IDS = b"0000444\0" + b"0000000\0" * 2
_END_AND_TIME = b"\0" + b"%011o\0" % 0
_OWNER = b"bigdata".ljust(32, b"\0")
_REST = b"".join((b"0", bytes(100), b"ustar\x0000", _OWNER, _OWNER, bytes(16 + 155 + 12)))
"""A plain file, no link; USTAR; user, group, no device, no prefix (POSIX.1-2001, pax, ustar)."""

_CONSTANT_SUM = sum(_MODE_AND_IDS + _END_AND_TIME + _REST) + 8 * ord(" ")
"""The sum of the bytes that all headers share. The checksum's own bytes count as spaces in it."""


def tar_end(length: int) -> bytes:
    """Write the end of a tar, which is two or more empty blocks.

    Args:
        length: The number of bytes before it, which are those of the members.
    """
    return bytes(2 * BLOCK + -(length + 2 * BLOCK) % _RECORD)


def tar_header(name: bytes, size: int) -> bytes:
    """Write the header of a member.

    Args:
        name: The member's name, at most 100 bytes.
        size: The number of bytes of its data.
    """
    octal = b"%011o" % size
    checksum = b"%06o\0 " % (sum(name) + sum(octal) + _CONSTANT_SUM)
    padded = name.ljust(100, b"\0")
    return b"".join((padded, _MODE_AND_IDS, octal, _END_AND_TIME, checksum, _REST))


def parse_header(header: bytes) -> tuple[str, int]:
    """Read the header of a member, which must be an ordinary file.

    Returns:
        The member's name, and the number of bytes of its data.

    Raises:
        ShardError: The header is not one that a writer of the format writes.
    """
    if len(header) < BLOCK:
        raise ShardError("ends within a member's header")
    if header[257:265] != b"ustar\x0000":
        raise ShardError("has something else than a tar header where a member should start")
    stated = header[148:156].rstrip(b"\0 ")
    if not _OCTAL.fullmatch(stated):
        raise ShardError("has a member whose header's checksum is no number")
    # the checksum counts its own eight bytes as spaces
    if int(stated, 8) != sum(header) - sum(header[148:156]) + 8 * 0x20:
        raise ShardError("has a member whose header's checksum is wrong")
    name = header[:100].rstrip(b"\0").decode("latin-1")
    if header[156:157] != b"0" or any(header[157:257]) or any(header[345:500]):
        raise ShardError(f"has the member {name!r:.120}, which is no ordinary file")
    size = header[124:136].rstrip(b"\0 ")
    if not _OCTAL.fullmatch(size):
        raise ShardError(f"has the member {name!r:.120} with a size that is no number")
    return name, int(size, 8)


def check_end(data: bytes) -> None:
    """Refuse bytes that are not a tar's end, which is whole blocks of zeros, at least two.

    Raises:
        ShardError: The bytes are something else.
    """
    if not 2 * BLOCK <= len(data) <= MAX_END_BYTES or len(data) % BLOCK or any(data):
        raise ShardError("does not end as a tar does, after its last sample")


def padded(size: int) -> int:
    """The number of bytes that a member's data takes in the tar, filled up to whole blocks."""
    return -(-size // BLOCK) * BLOCK
