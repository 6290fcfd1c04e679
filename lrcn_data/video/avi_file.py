"""What an AVI's header and index say of it, and whether the file bears that out.

An AVI that was cut or damaged decodes short without an error. One that is sound to its last byte
says where its pictures lie, so that most of them need not be read.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lrcn_data.video.video_file import VideoFile

_CHUNK_HEADER = 8
"""Bytes of a RIFF chunk's name and size."""

WORD = 8
"""Bytes that are looked at together: a chunk's name and size, or a picture's start."""

_REACH = 1 << 32
"""Bytes that an index's offsets can reach; mapping more may not fit a worker's address space."""

_ENTRY = 16
"""Bytes of an index entry."""

_NAME, _OFFSET, _SIZE = 0, 2, 3
"""Where an index entry has these, of its 4 words; number 1 are flags."""

_HEADER = slice(_NAME, _SIZE + 1, _SIZE)
"""The words of an index entry that the chunk itself starts with: its name and size."""

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""How the names of an AVI's chunks end that hold a picture."""

_MOST_CHUNKS, _MOST_ENTRIES = 1000, 1 << 22
"""Chunks of a file, and entries of an index, above which it isn't looked at: a hostile one could
have as many as it has bytes."""

_Content: TypeAlias = bytes | mmap.mmap
"""Of a file, up to what an index can reach."""


class _Index(NamedTuple):
    entries: npt.NDArray[np.uint32]
    """(chunks, 4)"""
    movie: int
    """Where the word movi stands, from which offsets count."""
    movie_end: int
    ends_file: bool
    """Whether the index follows the movie, and the file ends with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AviChunks:
    """The chunks of an AVI that hold its pictures and its sound, one after the other.

    Attributes:
        names: The first letter lowest; uint32 (chunks,).
        places: Of each one's first byte behind its name and size in the file; int64 (chunks,).
        sizes: Bytes of each behind its name and size; int64 (chunks,).
        starts: The 8 bytes from each place on, the first one lowest; uint64 (chunks,).
    """

    names: npt.NDArray[np.uint32]
    places: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    starts: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class AviFile:
    """What is known of an AVI without decoding it.

    Attributes:
        cut: What it lacks that ends before its last RIFF chunk does; None where nothing is known.
            The other containers' demuxers notice a cut themselves.
        lost: How many pictures are not where its index says; None where all are. A damaged chunk
            header makes demuxers search for the next one, and the picture is missing without an
            error.
        chunks: What reading the file from start to end finds, by its index; None where it isn't
            certain that it would.
    """

    cut: str | None
    lost: str | None
    chunks: AviChunks | None


def read_avi(file: VideoFile) -> AviFile | None:
    """See what an AVI says of itself; None for other files.

    Only AVI's `idx1` is looked at; of the pictures of a file without one nothing is known.
    """
    start = file.read(0, _CHUNK_HEADER + 4)
    if start[:4] != b"RIFF" or start[_CHUNK_HEADER:] != b"AVI ":
        return None
    lost = chunks = None
    if index := _read_index(file):
        with file.content(_REACH) as content:
            chunks = _borne_out(content, index) if index.ends_file else None
            lost = None if chunks else _lost_pictures(content, index)
    return AviFile(_cut_short(file), lost, chunks)


def _cut_short(file: VideoFile) -> str | None:
    """A size of 0 is that of a file whose recording was not ended."""
    end = 0
    while end < file.size:
        header = file.read(end, _CHUNK_HEADER)
        if header[:4] != b"RIFF" or len(header) < _CHUNK_HEADER:
            return None
        size = int.from_bytes(header[4:], "little")
        if size == 0:
            return None
        end += _CHUNK_HEADER + size
    if end > file.size:
        return f"the file is cut: {file.size} bytes of the {end} that its header promises"
    return None


class _Chunk(NamedTuple):
    name: bytes
    kind: bytes
    """Of a list: what it is a list of."""
    start: int
    size: int
    end: int
    """Where the next one starts."""


def _chunks(file: VideoFile) -> Iterator[_Chunk]:
    """The chunks in an AVI's first RIFF chunk, and what follows it."""
    place = _CHUNK_HEADER + 4
    for _ in range(_MOST_CHUNKS):
        header = file.read(place, _CHUNK_HEADER + 4)
        if len(header) < _CHUNK_HEADER:
            return
        size = int.from_bytes(header[4:8], "little")
        end = place + _CHUNK_HEADER + size + size % 2
        yield _Chunk(header[:4], header[8:], place, size, end)
        place = end


def _read_index(file: VideoFile) -> _Index | None:
    """An AVI's first idx1 after its pictures; None where there is none or it makes no sense."""
    movie = None
    for chunk in _chunks(file):
        if chunk.name == b"LIST" and chunk.kind == b"movi":
            movie = chunk
        elif chunk.name == b"idx1" and movie:
            return _parse_index(file, movie, chunk)
    return None


def _parse_index(file: VideoFile, movie: _Chunk, chunk: _Chunk) -> _Index | None:
    if chunk.size > _MOST_ENTRIES * _ENTRY:
        return None
    data = file.read(chunk.start + _CHUNK_HEADER, chunk.size)
    count = len(data) // _ENTRY
    if not count:
        return None
    return _Index(
        entries=np.ndarray((count, 4), "<u4", data),
        movie=movie.start + _CHUNK_HEADER,
        movie_end=movie.end,
        ends_file=chunk.start == movie.end and chunk.end == file.size,
    )


def _borne_out(content: _Content, index: _Index) -> AviChunks | None:
    """The chunks, if reading the file from start to end finds what the index says.

    That is each one at the end of the one before and with the index's name and size, then the
    index, then nothing. Then no picture is lost either.
    """
    # for a short clip numpy's calls count, not its numbers: as few as possible
    entries, movie = index.entries, index.movie
    offsets, sizes = entries[:, _OFFSET].astype(np.int64), entries[:, _SIZE].astype(np.int64)
    ends = offsets + sizes + (sizes & 1) + _CHUNK_HEADER
    first, last = int(offsets[0]), int(ends[-1])
    if first != 4 or movie + last != index.movie_end or index.movie_end + WORD > len(content):
        return None
    if offsets[1:].tobytes() != ends[:-1].tobytes():
        return None
    if _words(content, offsets + movie).tobytes() != entries[:, _HEADER].tobytes():
        return None
    places = offsets + (movie + _CHUNK_HEADER)
    return AviChunks(
        names=entries[:, _NAME], places=places, sizes=sizes, starts=_words(content, places)
    )


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
    inside = places <= len(content) - WORD
    expected = np.ascontiguousarray(entries[inside, _HEADER]).view("<u8")[:, 0]
    return int(np.count_nonzero(_words(content, places[inside]) == expected))


def _words(content: _Content, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The 8 bytes from each place on, the first one lowest; (places,)."""
    everywhere = np.ndarray(len(content) - WORD + 1, "<u8", content, strides=1)
    found: npt.NDArray[np.uint64] = everywhere[places]
    del everywhere  # a mapping can't be closed while something points into it
    return found
