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

from lrcn_data.video.video_file import VideoFile

_CHUNK = 8
"""Bytes of a RIFF chunk's name and size."""

_WORD = 8
"""Bytes that are looked at together: a chunk's name and size, or a picture's start."""

_ENTRY = 16
"""Bytes of an index entry."""

_NAME, _OFFSET, _SIZE = 0, 2, 3
"""Where an index entry has these, of its 4 words; number 1 are flags."""

_HEADER = slice(_NAME, _SIZE + 1, _SIZE)
"""The words of an index entry that the chunk itself starts with: its name and size."""

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""How the names of an AVI's chunks end that hold a picture."""

_FIRST_STREAM, _ITS_SOUND = (int.from_bytes(name, "little") for name in (b"00dc", b"01wb"))
"""Names of the chunks that hold the first stream's pictures, and the second stream's sound."""

_MOST_CHUNKS, _MOST_ENTRIES = 1000, 1 << 22
"""Chunks of a file, and entries of an index, above which it isn't looked at: a hostile one could
have as many as it has bytes."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""

_Content: TypeAlias = bytes | mmap.mmap

PICTURE_START = b"\0\0\1\xb6"
"""vop_start_code of ISO/IEC 14496-2, 6.3.5: an MPEG-4 picture begins. 2 bits follow: its type."""

_START_WORD = int.from_bytes(PICTURE_START, "little")

_GROUP = b"\0\0\1\xb3"
"""group_of_vop_start_code, likewise: the time of day follows, which is another in each group."""

_TIME_OF_DAY = 3
"""Bytes of it, two flags and stuffing, likewise."""

_INTRA, _BIDIRECTIONAL = 0, 2
"""vop_coding_type, 6.3.5: decoded by itself, or from a picture that is shown later too."""


class _Index(NamedTuple):
    entries: npt.NDArray[np.uint32]
    """(chunks, 4)"""
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
        sound: Whether what lies between them is believed to be the second stream's sound.
    """

    places: list[int]
    sizes: list[int]
    intra: list[int]
    sound: bool


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
    endings = index.entries[:, _NAME] >> 16
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


def _count_found(content: _Content, entries: npt.NDArray[np.uint32], base: int) -> int:
    """How many chunks have the name and size that the index says, where it says."""
    places = base + entries[:, _OFFSET].astype(np.int64)
    inside = places <= len(content) - _WORD
    expected = np.ascontiguousarray(entries[inside, _HEADER]).view("<u8")[:, 0]
    return int(np.count_nonzero(_words(content, places[inside]) == expected))


def _indexed_pictures(content: _Content, index: _Index) -> IndexedPictures | None:
    """Where the pictures lie, if reading the file from start to end finds what the index says.

    That is chunks of one video stream and of one with sound, each at the end of the one before and
    with the index's name and size, then the index, then nothing; each picture one of MPEG-4, none
    bidirectional, and all of them under the first one's header. Then none is lost either.
    """
    # for a short clip numpy's calls count, not its numbers: as few as possible
    entries, movie = index.entries, index.movie
    offsets, sizes = entries[:, _OFFSET].astype(np.int64), entries[:, _SIZE].astype(np.int64)
    ends = offsets + sizes + (sizes & 1) + _CHUNK
    first, last = int(offsets[0]), int(ends[-1])
    if first != 4 or movie + last != index.movie_end or index.movie_end > len(content):
        return None
    if offsets[1:].tobytes() != ends[:-1].tobytes():
        return None
    names = entries[:, _NAME]
    pictures = names == _FIRST_STREAM
    sounds = len(names) - int(np.count_nonzero(pictures))
    if np.count_nonzero(names == _ITS_SOUND) < sounds:
        return None
    if _words(content, offsets + movie).tobytes() != entries[:, _HEADER].tobytes():
        return None
    starts = offsets[pictures] + (movie + _CHUNK)
    places, lengths = starts.tolist(), sizes[pictures].tolist()
    if min(lengths, default=0) < _WORD:
        return None
    intra = _intra_pictures(content, places, lengths, _words(content, starts))
    if intra is None:
        return None
    return IndexedPictures(places=places, sizes=lengths, intra=intra, sound=sounds > 0)


def _read_index(file: VideoFile) -> _Index | None:
    """An AVI's first idx1 after its pictures; None where there is none or it makes no sense."""
    place, movie, movie_end = _CHUNK + 4, 0, 0
    for _ in range(_MOST_CHUNKS):
        if len(header := file.read(place, _CHUNK + 4)) < _CHUNK:
            return None
        size = int.from_bytes(header[4:8], "little")
        start, place = place, place + _CHUNK + size + size % 2
        if header[:4] == b"LIST" and header[8:] == b"movi":
            movie, movie_end = start + _CHUNK, place
        elif header[:4] == b"idx1" and movie:
            if size > _MOST_ENTRIES * _ENTRY:
                return None
            data = file.read(start + _CHUNK, size)
            count = len(data) // _ENTRY
            if not count:
                return None
            entries = np.ndarray((count, 4), "<u4", data)
            ends_file = start == movie_end and place == file.size
            return _Index(entries, movie, movie_end, ends_file)
    return None


def _words(content: _Content, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The 8 bytes from each place on, the first one lowest; (places,)."""
    everywhere = np.ndarray(len(content) - _WORD + 1, "<u8", content, strides=1)
    found: npt.NDArray[np.uint64] = everywhere[places]
    del everywhere  # a mapping can't be closed while something points into it
    return found


def _intra_pictures(
    content: _Content, places: list[int], sizes: list[int], words: npt.NDArray[np.uint64]
) -> list[int] | None:
    """The numbers of the pictures that are decoded by themselves, None where one can't be told.

    Args:
        content: Of the file.
        places: Of the pictures in it.
        sizes: Bytes of each.
        words: The first 8 bytes of each, the first one lowest.
    """
    types = words >> 38 & 3
    header, usual = b"", PICTURE_START
    for number in np.flatnonzero(words & 0xFFFFFFFF != _START_WORD).tolist():
        place, size = places[number], sizes[number]
        if len(usual) < size and content[place : place + len(usual)] == usual:
            types[number] = content[place + len(usual)] >> 6
            continue
        found = content.find(PICTURE_START, place, place + size - 1)
        if found < 0:
            return None
        types[number] = content[found + len(PICTURE_START)] >> 6
        leading, group, time = content[place:found].partition(_GROUP)
        if group and len(time) != _TIME_OF_DAY:
            return None
        header = leading if number == 0 else header
        if leading not in (header, b""):
            return None
        if leading == content[place:found]:
            usual = leading + PICTURE_START
    if np.count_nonzero(types == _BIDIRECTIONAL):
        return None
    return np.flatnonzero(types == _INTRA).tolist()
