"""What an AVI's header and index say of it, and whether the file bears that out.

An AVI that was cut or damaged decodes short without an error.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lrcn_data.video_file import VideoFile

_CHUNK = 8
"""Bytes of a RIFF chunk's name and size."""

_WORD = 8
"""Bytes that are looked at together: a chunk's name and size."""

_INDEX_ENTRY = np.dtype([("name", "<u4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""How the names of an AVI's chunks end that hold a picture."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""

_Content: TypeAlias = bytes | mmap.mmap

PICTURE_START = b"\0\0\1\xb6"
"""vop_start_code of ISO/IEC 14496-2, 6.3.5: an MPEG-4 picture begins."""


class _Index(NamedTuple):
    entries: npt.NDArray[np.void]
    movie: int
    """Where the word movi stands, from which offsets count."""


@dataclass(frozen=True, slots=True)
class AviFile:
    """What is known of an AVI without decoding it.

    Attributes:
        cut: What it lacks that ends before its last RIFF chunk does; None where nothing is known.
            The other containers' demuxers notice a cut themselves.
        lost: How many pictures are not where its index says; None where all are. A damaged chunk
            header makes demuxers search for the next one, and the picture is missing without an
            error.
    """

    cut: str | None
    lost: str | None


def read_avi(file: VideoFile) -> AviFile | None:
    """See what an AVI says of itself; None for other files.

    Only AVI's `idx1` is looked at; of the pictures of a file without one nothing is known.
    """
    start = file.read(0, _CHUNK + 4)
    if start[:4] != b"RIFF" or start[_CHUNK:] != b"AVI ":
        return None
    lost = None
    if index := _read_index(file):
        with file.content(_REACH) as content:
            lost = _lost_pictures(content, index)
    return AviFile(_cut_short(file), lost)


def _cut_short(file: VideoFile) -> str | None:
    """A size of 0 is that of a file whose recording was not ended."""
    end = 0
    while end < file.size:
        header = file.read(end, _CHUNK)
        if header[:4] != b"RIFF" or len(header) < _CHUNK:
            return None
        size = int.from_bytes(header[4:], "little")
        if size == 0:
            return None
        end += _CHUNK + size
    if end > file.size:
        return f"the file is cut: {file.size} bytes of the {end} that its header promises"
    return None


def _lost_pictures(content: _Content, index: _Index) -> str | None:
    endings = index.entries["name"] >> 16
    pictures = index.entries[(endings == _COMPRESSED) | (endings == _UNCOMPRESSED)]
    if not len(pictures):
        return None
    # offsets count from the word movi in most files, from the file's start in others
    found = _count_found(content, pictures, index.movie)
    if found < len(pictures):
        found = max(found, _count_found(content, pictures, 0))
    if 0 < found < len(pictures):
        lost = len(pictures) - found
        return f"{lost} of {len(pictures)} pictures are not where the index says"
    return None


def _read_index(file: VideoFile) -> _Index | None:
    """An AVI's idx1, or None where there is none or it is empty."""
    place, movie = _CHUNK + 4, 0
    while len(header := file.read(place, _CHUNK + 4)) >= _CHUNK:
        size = int.from_bytes(header[4:8], "little")
        start, place = place, place + _CHUNK + size + size % 2
        if header[:4] == b"LIST" and header[8:] == b"movi":
            movie = start + _CHUNK
        elif header[:4] == b"idx1" and movie:
            data = file.read(start + _CHUNK, size)
            entries = np.frombuffer(data, _INDEX_ENTRY, len(data) // _INDEX_ENTRY.itemsize)
            return _Index(entries, movie) if len(entries) else None
    return None


def _words(content: _Content, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The 8 bytes from each place on, the first one lowest; (places,)."""
    everywhere = np.ndarray(len(content) - _WORD + 1, "<u8", content, strides=1)
    found: npt.NDArray[np.uint64] = everywhere[places]
    del everywhere  # a mapping can't be closed while something points into it
    return found


def _count_found(content: _Content, chunks: npt.NDArray[np.void], base: int) -> int:
    """How many chunks have the name and size that the index says, where it says."""
    places = base + chunks["offset"].astype(np.int64)
    expected = chunks["name"] | chunks["size"].astype(np.uint64) << 32
    inside = places <= len(content) - _WORD
    if not inside.all():
        places, expected = places[inside], expected[inside]
    return int(np.count_nonzero(_words(content, places) == expected))
