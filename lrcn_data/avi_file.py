"""What an AVI's header and index say of it, and whether the file bears that out.

An AVI that was cut or damaged decodes short without an error. One that is sound to its last byte
says where its pictures lie, so that most of them need not be read.
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
"""Bytes that are looked at together: a chunk's name and size, or a picture's start."""

_INDEX_ENTRY = np.dtype([("name", "<u4"), ("flags", "<u4"), ("offset", "<u4"), ("size", "<u4")])

_COMPRESSED, _UNCOMPRESSED, _SOUND = (
    int.from_bytes(ending, "little") for ending in (b"dc", b"db", b"wb")
)
"""How the names of an AVI's chunks end that hold a picture, or sound."""

_FIRST_STREAM = int.from_bytes(b"00dc", "little")
"""Name of the chunks that hold the first stream's pictures."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""

_Content: TypeAlias = bytes | mmap.mmap

PICTURE_START = b"\0\0\1\xb6"
"""vop_start_code of ISO/IEC 14496-2, 6.3.5: an MPEG-4 picture begins. 2 bits follow: its type."""

_START_WORD = int.from_bytes(PICTURE_START, "little")

_GROUP = b"\0\0\1\xb3"
"""group_of_vop_start_code, likewise: the time of day follows, which is another in each group."""

_INTRA, _BIDIRECTIONAL = 0, 2
"""vop_coding_type, 6.3.5: decoded by itself, or from a picture that is shown later too."""


class _Index(NamedTuple):
    entries: npt.NDArray[np.void]
    movie: int
    """Where the word movi stands, from which offsets count."""
    movie_end: int
    ends_file: bool
    """Whether the index follows the movie, and the file ends with it."""


@dataclass(frozen=True, slots=True)
class IndexedPictures:
    """Where the MPEG-4 pictures of an AVI's first stream lie, in the order of showing.

    Attributes:
        places: Of each picture's first byte in the file.
        sizes: Bytes of each.
        intra: Numbers of those that are decoded by themselves.
    """

    places: list[int]
    sizes: list[int]
    intra: list[int]


@dataclass(frozen=True, slots=True)
class AviFile:
    """What is known of an AVI without decoding it.

    Attributes:
        cut: What it lacks that ends before its last RIFF chunk does; None where nothing is known.
            The other containers' demuxers notice a cut themselves.
        lost: How many pictures are not where its index says; None where all are. A damaged chunk
            header makes demuxers search for the next one, and the picture is missing without an
            error.
        pictures: Where they lie, or None where that isn't certain.
    """

    cut: str | None
    lost: str | None
    pictures: IndexedPictures | None


def read_avi(file: VideoFile) -> AviFile | None:
    """See what an AVI says of itself; None for other files.

    Only AVI's `idx1` is looked at; of the pictures of a file without one nothing is known.
    """
    start = file.read(0, _CHUNK + 4)
    if start[:4] != b"RIFF" or start[_CHUNK:] != b"AVI ":
        return None
    lost = pictures = None
    if index := _read_index(file):
        with file.content(_REACH) as content:
            pictures = _indexed_pictures(content, index) if index.ends_file else None
            lost = None if pictures else _lost_pictures(content, index)
    return AviFile(_cut_short(file), lost, pictures)


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


def _indexed_pictures(content: _Content, index: _Index) -> IndexedPictures | None:
    """Where the pictures lie, if reading the file from start to end finds what the index says.

    That is chunks of one video stream and of sound, each at the end of the one before and with the
    index's name and size, then the index, then nothing; each picture one of MPEG-4, none
    bidirectional, and all of them under the same header. Then none is lost either.
    """
    entries = index.entries
    sizes = entries["size"].astype(np.int64)
    places = index.movie + entries["offset"].astype(np.int64)
    ends = places + (_CHUNK + sizes + sizes % 2)
    follow_on = places[0] == index.movie + 4 and ends[-1] == index.movie_end
    if not follow_on or (places[1:] != ends[:-1]).any():
        return None
    pictures = entries["name"] == _FIRST_STREAM
    if not (pictures | (entries["name"] >> 16 == _SOUND)).all():
        return None
    if _count_found(content, entries, index.movie) < len(entries):
        return None
    places, sizes = places[pictures] + _CHUNK, sizes[pictures]
    intra = _intra_pictures(content, places, sizes)
    if intra is None:
        return None
    return IndexedPictures(places=places.tolist(), sizes=sizes.tolist(), intra=intra)


def _read_index(file: VideoFile) -> _Index | None:
    """An AVI's idx1, or None where there is none or it is empty."""
    place, movie, movie_end = _CHUNK + 4, 0, 0
    while len(header := file.read(place, _CHUNK + 4)) >= _CHUNK:
        size = int.from_bytes(header[4:8], "little")
        start, place = place, place + _CHUNK + size + size % 2
        if header[:4] == b"LIST" and header[8:] == b"movi":
            movie, movie_end = start + _CHUNK, place
        elif header[:4] == b"idx1" and movie:
            data = file.read(start + _CHUNK, size)
            entries = np.frombuffer(data, _INDEX_ENTRY, len(data) // _INDEX_ENTRY.itemsize)
            if not len(entries):
                return None
            ends_file = start == movie_end and place == file.size
            return _Index(entries, movie, movie_end, ends_file)
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


def _intra_pictures(
    content: _Content, places: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> list[int] | None:
    """The numbers of the pictures that are decoded by themselves, None where one can't be told."""
    if not len(places) or sizes.min() < _WORD:
        return None
    starts = _words(content, places)
    types = starts >> 38 & 3
    header, usual = None, PICTURE_START
    for number in np.flatnonzero(starts & 0xFFFFFFFF != _START_WORD).tolist():
        place, size = int(places[number]), int(sizes[number])
        if content[place : place + len(usual)] == usual:
            types[number] = content[place + len(usual)] >> 6
            continue
        found = content.find(PICTURE_START, place, place + size - 1)
        if found < 0:
            return None
        types[number] = content[found + len(PICTURE_START)] >> 6
        leading = content[place:found].partition(_GROUP)[0]
        if leading != (header := header or leading):
            return None
        if leading == content[place:found]:
            usual = leading + PICTURE_START
    if (types == _BIDIRECTIONAL).any():
        return None
    return np.flatnonzero(types == _INTRA).tolist()
