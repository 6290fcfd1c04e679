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
"""The number of bytes of a RIFF chunk's name and size together."""

WORD = 8
"""The number of bytes that are read together: a chunk's name and size, or a picture's start."""

_REACH = 1 << 32
"""The number of bytes that an index's offsets can reach. Mapping more might not fit a worker's
address space."""

_ENTRY = 16
"""The number of bytes of an index entry."""

_NAME, _OFFSET, _SIZE = 0, 2, 3
"""The numbers of these words among the 4 of an index entry; word 1 holds flags."""

_HEADER = slice(_NAME, _SIZE + 1, _SIZE)
"""The words of an index entry that the chunk itself starts with: its name and size."""

_COMPRESSED, _UNCOMPRESSED = (int.from_bytes(ending, "little") for ending in (b"dc", b"db"))
"""The endings of the names of an AVI's chunks that hold a picture."""

_MOST_CHUNKS, _MOST_ENTRIES = 1000, 1 << 22
"""The most chunks of a file, and the most entries of an index, that are looked at. A hostile file
could have as many as it has bytes."""

_Content: TypeAlias = bytes | mmap.mmap
"""The content of a file, up to the last byte that an index can reach."""


class _Index(NamedTuple):
    entries: npt.NDArray[np.uint32]
    """The entries' words; (chunks, 4)."""
    movie: int
    """The offset in the file of the word movi, from which the index's offsets count."""
    movie_end: int
    """The offset in the file at which the list of pictures ends."""
    ends_file: bool
    """Whether the index follows the movie, and the file ends with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AviChunks:
    """The chunks of an AVI that hold its pictures and its sound, one after the other.

    Attributes:
        names: uint32 (chunks,), the name of each chunk, with its first letter in the lowest byte.
        offsets: int64 (chunks,), the offset in the file of each chunk's data, which follow its name
            and size.
        sizes: int64 (chunks,), the number of bytes of each chunk's data.
        starts: uint64 (chunks,), the 8 bytes from each offset on, the first one lowest.
    """

    names: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    starts: npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class AviFile:
    """What is known of an AVI without decoding it.

    Attributes:
        cut: A sentence on what is missing, if the file ends before its last RIFF chunk does; None
            if it doesn't, or that isn't known.
        lost: A sentence on how many pictures are not where the index says; None if all are. A
            damaged chunk header makes demuxers search for the next one, so that the picture is
            missing without an error.
        chunks: The chunks that reading the file from start to end would find, taken from its index;
            None where it isn't certain that they would be found.
    """

    cut: str | None
    lost: str | None
    chunks: AviChunks | None


def read_avi(file: VideoFile) -> AviFile | None:
    """Read what an AVI says of itself; None for other files.

    Of indices only `idx1` is read; if a file has none, nothing is known of its pictures.
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
    """Say what is missing of a file that ends before its last RIFF chunk does; else None.

    A size of 0 is that of a file whose recording was not ended, of which nothing is known.
    """
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
    """The kind of a list, which is its first word; means nothing for other chunks."""
    start: int
    """The offset of the chunk's header in the file."""
    size: int
    """The number of bytes of the chunk's data."""
    end: int
    """The offset at which the next chunk starts."""


def _chunks(file: VideoFile) -> Iterator[_Chunk]:
    """Give the chunks in an AVI's first RIFF chunk, and those that follow it."""
    offset = _CHUNK_HEADER + 4
    for _ in range(_MOST_CHUNKS):
        header = file.read(offset, _CHUNK_HEADER + 4)
        if len(header) < _CHUNK_HEADER:
            return
        size = int.from_bytes(header[4:8], "little")
        end = offset + _CHUNK_HEADER + size + size % 2
        yield _Chunk(header[:4], header[8:], offset, size, end)
        offset = end


def _read_index(file: VideoFile) -> _Index | None:
    """Read an AVI's first idx1 after its pictures; None if there is none or it makes no sense."""
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
    """The chunks, if reading the file from start to end finds what the index says; else None.

    That is so if each chunk starts where the one before ends and has the name and size that the
    index says, and if the index follows them and nothing follows the index. Then no picture is lost
    either.
    """
    # as few calls as possible: for a short clip numpy's calls take the time, not its numbers
    entries, movie = index.entries, index.movie
    headers, sizes = entries[:, _OFFSET].astype(np.int64), entries[:, _SIZE].astype(np.int64)
    ends = headers + sizes + (sizes & 1) + _CHUNK_HEADER
    first, last = int(headers[0]), int(ends[-1])
    if first != 4 or movie + last != index.movie_end or index.movie_end + WORD > len(content):
        return None
    if headers[1:].tobytes() != ends[:-1].tobytes():
        return None
    if _words(content, headers + movie).tobytes() != entries[:, _HEADER].tobytes():
        return None
    offsets = headers + (movie + _CHUNK_HEADER)
    return AviChunks(
        names=entries[:, _NAME], offsets=offsets, sizes=sizes, starts=_words(content, offsets)
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
    """Count the chunks that have the name and size that the index says, where it says.

    Args:
        content: The content of the file.
        entries: The index entries to look at; (chunks, 4).
        base: The offset in the file from which the index's offsets are taken to count.
    """
    offsets = base + entries[:, _OFFSET].astype(np.int64)
    inside = offsets <= len(content) - WORD
    expected = np.ascontiguousarray(entries[inside, _HEADER]).view("<u8")[:, 0]
    return int(np.count_nonzero(_words(content, offsets[inside]) == expected))


def _words(content: _Content, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """The 8 bytes from each offset on, the first one lowest; uint64 (offsets,)."""
    everywhere = np.ndarray(len(content) - WORD + 1, "<u8", content, strides=1)
    found: npt.NDArray[np.uint64] = everywhere[offsets]
    del everywhere  # a mapping can't be closed while something points into it
    return found
