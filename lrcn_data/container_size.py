"""Whether an AVI is as long as it says and has all its pictures; else it decodes short."""

from __future__ import annotations

import mmap
import os
from typing import IO

import numpy as np
import numpy.typing as npt

_CHUNK = 8
"""Bytes of a RIFF chunk's name and size."""

_INDEX_ENTRY = np.dtype([("name", "<u4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""How the names of an AVI's chunks end that hold a picture."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""


def is_avi(file: IO[bytes]) -> bool:
    """Whether a file begins as an AVI does."""
    start = os.pread(file.fileno(), _CHUNK + 4, 0)
    return start[:4] == b"RIFF" and start[_CHUNK:] == b"AVI "


def cut_short(file: IO[bytes]) -> str | None:
    """What an AVI lacks that ends before its last RIFF chunk does; None where nothing is known.

    The other containers' demuxers notice a cut themselves. A size of 0 is that of a file whose
    recording was not ended.
    """
    length = os.fstat(file.fileno()).st_size
    end = 0
    while end < length:
        header = os.pread(file.fileno(), _CHUNK, end)
        if header[:4] != b"RIFF" or len(header) < _CHUNK:
            return None
        size = int.from_bytes(header[4:], "little")
        if size == 0:
            return None
        end += _CHUNK + size
    if end > length:
        return f"the file is cut: {length} bytes of the {end} that its header promises"
    return None


def lost_pictures(file: IO[bytes]) -> str | None:
    """How many of an AVI's pictures are not where its index says; None where all are.

    A damaged chunk header makes demuxers search for the next one, and the picture is missing
    without an error. Only AVI's `idx1` is looked at; of a file without one nothing is known.
    """
    movie, index = _movie_and_index(file)
    entries = np.frombuffer(index[: len(index) // 16 * 16], _INDEX_ENTRY)
    endings = entries["name"] >> 16
    pictures = entries[(endings == _COMPRESSED) | (endings == _UNCOMPRESSED)]
    if not len(pictures):
        return None
    length = min(os.fstat(file.fileno()).st_size, _REACH)
    with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as mapped:
        # offsets count from the word movi in most files, from the file's start in others
        found = _count_found(mapped, pictures, movie)
        if found < len(pictures):
            found = max(found, _count_found(mapped, pictures, 0))
    if 0 < found < len(pictures):
        lost = len(pictures) - found
        return f"{lost} of {len(pictures)} pictures are not where the index says"
    return None


def _movie_and_index(file: IO[bytes]) -> tuple[int, bytes]:
    """Where an AVI's word movi stands, and its index's bytes, empty where there is none."""
    if not is_avi(file):
        return 0, b""
    place, movie = _CHUNK + 4, 0
    while len(header := os.pread(file.fileno(), _CHUNK + 4, place)) >= _CHUNK:
        size = int.from_bytes(header[4:8], "little")
        if header[:4] == b"LIST" and header[8:] == b"movi":
            movie = place + _CHUNK
        elif header[:4] == b"idx1" and movie:
            return movie, os.pread(file.fileno(), size, place + _CHUNK)
        place += _CHUNK + size + size % 2
    return 0, b""


def _count_found(mapped: mmap.mmap, pictures: npt.NDArray[np.void], base: int) -> int:
    """How many chunks have the name and size that the index says, where it says."""
    places = base + pictures["offset"].astype(np.int64)
    inside = places <= len(mapped) - _CHUNK
    places, pictures = places[inside], pictures[inside]
    data = np.frombuffer(mapped, np.uint8)
    headers = data[places[:, None] + np.arange(_CHUNK)].view("<u4")
    del data  # the mapping can't be closed while something points into it
    same = (headers[:, 0] == pictures["name"]) & (headers[:, 1] == pictures["size"])
    return int(np.count_nonzero(same))
