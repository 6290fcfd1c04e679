"""Whether an AVI is as long as it says and has all its pictures; else it decodes short."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import VideoError

_CHUNK = 8
"""Bytes of a RIFF chunk's name and size."""

_INDEX_ENTRY = np.dtype([("name", "<u4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""How the names of an AVI's chunks end that hold a picture."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""


def refuse_cut_file(path: Path) -> None:
    """Refuse an AVI that ends before its last RIFF chunk does.

    The other containers' demuxers notice a cut themselves. A size of 0 is that of a file whose
    recording was not ended, of which nothing is known.

    Raises:
        VideoError: It does (`damaged`).
    """
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        end = 0
        while end < length:
            file.seek(end)
            header = file.read(_CHUNK)
            if header[:4] != b"RIFF" or len(header) < _CHUNK:
                return
            size = int.from_bytes(header[4:], "little")
            if size == 0:
                return
            end += _CHUNK + size
    if end > length:
        raise VideoError(
            "damaged", f"the file is cut: {length} bytes of the {end} that its header promises"
        )


def refuse_lost_pictures(path: Path) -> None:
    """Refuse an AVI of whose pictures some are not where its index says.

    A damaged chunk header makes demuxers search for the next one, and the picture is missing
    without an error. Only AVI's `idx1` is looked at; of a file without one nothing is known.

    Raises:
        VideoError: There are such pictures (`damaged`).
    """
    with path.open("rb") as file:
        movie, index = _movie_and_index(file)
        entries = np.frombuffer(index[: len(index) // 16 * 16], _INDEX_ENTRY)
        endings = entries["name"] >> 16
        pictures = entries[(endings == _COMPRESSED) | (endings == _UNCOMPRESSED)]
        if not len(pictures):
            return
        length = min(os.fstat(file.fileno()).st_size, _REACH)
        with mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ) as mapped:
            # offsets count from the word movi in most files, from the file's start in others
            found = _count_found(mapped, pictures, movie)
            if found < len(pictures):
                found = max(found, _count_found(mapped, pictures, 0))
    if 0 < found < len(pictures):
        raise VideoError(
            "damaged",
            f"{len(pictures) - found} of {len(pictures)} pictures are not where the index says",
        )


def _movie_and_index(file: BinaryIO) -> tuple[int, bytes]:
    """Where an AVI's word movi stands, and its index's bytes, empty where there is none."""
    file.seek(0)
    header = file.read(_CHUNK + 4)
    if header[:4] != b"RIFF" or header[8:] != b"AVI ":
        return 0, b""
    place, movie = len(header), 0
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
