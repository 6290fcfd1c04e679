"""What an MP4 or MOV promises of itself, and whether the file bears that out.

A demuxer that comes to a sample behind the file's end takes that for the end of the video, so that
a cut file whose header is in front can decode short without an error. This reads no more than what
tells where the pictures lie (ISO/IEC 14496-12), and believes nothing of it that makes no sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lrcn_data.video.video_file import VideoFile

_HEADER, _LONG_HEADER = 8, 16
"""The number of bytes of a box's size and name, and of those with a size of 64 bits."""

_FIRST_BOXES = frozenset(
    (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"styp", b"moof")
)
"""The boxes that such a file may start with."""

_OF_FRAGMENTS = frozenset((b"moof", b"mdat", b"sidx", b"styp", b"emsg", b"prft", b""))
"""The boxes that fragments are made of. If a file ends within one, pictures are missing."""

_MOST_BOXES, _MOST_ENTRIES = 1 << 18, 1 << 22
"""The most boxes in a file or a box, and the most entries of a table, that are looked at. A hostile
file could have as many as it has bytes."""

_SIZE_TYPES = {8: ">u1", 16: ">u2", 32: ">u4"}
"""The types of samples' sizes, by their number of bits."""

_Numbers = npt.NDArray[np.int64]


class _Box(NamedTuple):
    name: bytes
    """The name; empty where the file ends before it is complete."""
    start: int
    """The offset in the file of what follows the box's size and name."""
    end: int
    """The offset in the file at which the box ends by its size."""


def missing_of_mp4(file: VideoFile) -> str | None:
    """Say what is missing of an MP4 or MOV that is cut.

    One is cut if its tables, or its segment index, name pictures behind its end, or if it ends
    within a fragment. What lies there of other tracks doesn't count.

    Returns:
        A sentence; None if nothing is missing, if that isn't known, and for files of other kinds.
    """
    if file.read(4, 4) not in _FIRST_BOXES:
        return None
    promised, movie, fragments = 0, False, False
    for box in _boxes(file, 0, file.size):
        fragments |= box.name == b"moof"
        if box.name == b"moov" and not movie:  # demuxers skip a second one
            movie = True
            promised = max(promised, _pictures_end(file, box))
        elif box.name == b"sidx":
            promised = max(promised, _segments_end(file, box))
        if fragments and box.name in _OF_FRAGMENTS:
            promised = max(promised, box.end)
    if promised > file.size:
        return f"the file is cut: {file.size} bytes of the {promised} that its header promises"
    return None


def unfinished_mp4(file: VideoFile) -> str | None:
    """Say that an MP4 or MOV has pictures but nothing that tells where they lie.

    Telephones and cameras write that last, so that a recording lacks it that was broken off.

    Returns:
        A sentence; None if the file has it, or is of another kind.
    """
    if file.read(4, 4) not in _FIRST_BOXES:
        return None
    names = {box.name for box in _boxes(file, 0, file.size)}
    if b"mdat" not in names or names & {b"moov", b"moof"}:
        return None
    return (
        "it has no index (moov), which recorders write last: the recording was broken off, or the"
        " file is cut"
    )


def _boxes(file: VideoFile, start: int, end: int) -> Iterator[_Box]:
    """Give the boxes from one offset to another; the last one may end behind that."""
    for _ in range(_MOST_BOXES):
        header = file.read(start, min(_LONG_HEADER, end - start))
        size, name, body = int.from_bytes(header[:4], "big"), header[4:8], start + _HEADER
        if len(header) < _HEADER:
            if any(header) and not header[0]:
                yield _Box(b"", body, body)  # the sizes of boxes start with 0
            return
        if size == 1:
            size, body = int.from_bytes(header[8:], "big"), start + _LONG_HEADER
        stop = start + size if size else end
        if stop < body:
            return
        yield _Box(name, body, stop)
        start = stop


def _within(file: VideoFile, box: _Box | None, *path: bytes) -> _Box | None:
    """Find a box inside another by the names that lead to it; None if there is none."""
    for name in path:
        if box is None:
            return None
        inside = _boxes(file, box.start, box.end)
        box = next((inner for inner in inside if inner.name == name), None)
    return box


def _pictures_end(file: VideoFile, movie: _Box) -> int:
    """The offset at which the last picture ends that the tables name; 0 if they name none."""
    tracks = [box for box in _boxes(file, movie.start, movie.end) if box.name == b"trak"]
    media = [_within(file, track, b"mdia") for track in tracks]
    return max((_track_end(file, box) for box in media if box and _shows(file, box)), default=0)


def _shows(file: VideoFile, media: _Box) -> bool:
    handler = _within(file, media, b"hdlr")
    return handler is not None and file.read(handler.start + 8, 4) == b"vide"


def _track_end(file: VideoFile, media: _Box) -> int:
    """The offset at which the last sample of a track ends; 0 if its tables don't tell."""
    table = _within(file, media, b"minf", b"stbl")
    boxes = {box.name: box for box in _boxes(file, table.start, table.end)} if table else {}
    if (
        (chunks := _chunk_offsets(file, boxes)) is None
        or (samples := _samples_before(file, boxes, len(chunks))) is None
        or (bytes_before := _bytes_before(file, boxes, samples)) is None
    ):
        return 0
    lengths = np.diff(bytes_before)
    return int(np.max((chunks + lengths)[lengths > 0], initial=0))


def _chunk_offsets(file: VideoFile, boxes: dict[bytes, _Box]) -> _Numbers | None:
    """The offset in the file of each chunk of a track's samples; None if that isn't told."""
    for name, kind in ((b"stco", ">u4"), (b"co64", ">u8")):
        if box := boxes.get(name):
            return _table(file, box, 8, _word(file, box.start + 4), kind)
    return None


def _samples_before(file: VideoFile, boxes: dict[bytes, _Box], chunks: int) -> _Numbers | None:
    """The number of samples before each chunk of a track and behind the last one.

    Args:
        file: The file.
        boxes: The boxes of the track's tables, by name.
        chunks: The number of the track's chunks.

    Returns:
        int64 (chunks + 1,); None if that isn't told.
    """
    box = boxes.get(b"stsc")
    runs = _table(file, box, 8, 3 * _word(file, box.start + 4), ">u4") if box else None
    if runs is None or not len(runs):
        return None
    firsts, samples = runs[0::3], runs[1::3]
    lengths = np.diff(np.minimum(np.append(firsts, chunks + 1), chunks + 1))
    if firsts[0] != 1 or np.any(lengths < 0):
        return None
    return np.concatenate(([0], np.cumsum(np.repeat(samples, lengths))))


def _bytes_before(file: VideoFile, boxes: dict[bytes, _Box], samples: _Numbers) -> _Numbers | None:
    """The number of bytes of the first so many samples of a track.

    Sizes of 4 bits, which no pictures have, are not read.

    Args:
        file: The file.
        boxes: The boxes of the track's tables, by name.
        samples: int64 (numbers,), how many samples.

    Returns:
        int64 (numbers,); None if that isn't told.
    """
    box = boxes.get(b"stsz") or boxes.get(b"stz2")
    if box is None:
        return None
    size, count = (_word(file, box.start + offset) for offset in (4, 8))
    if box.name == b"stsz" and size:
        return np.minimum(samples, count) * size
    kind = _SIZE_TYPES.get(32 if box.name == b"stsz" else size & 255)
    sizes = _table(file, box, 12, count, kind) if kind else None
    if sizes is None:
        return None
    return np.concatenate(([0], np.cumsum(sizes)))[np.minimum(samples, len(sizes))]


def _segments_end(file: VideoFile, index: _Box) -> int:
    """The offset at which the last segment ends that a segment index names (8.16.3)."""
    long = file.read(index.start, 1) == b"\1"
    counts = index.start + (28 if long else 20)
    offset = int.from_bytes(file.read(counts - (8 if long else 4), 8 if long else 4), "big")
    segments = _table(
        file, index, counts + 4 - index.start, 3 * (_word(file, counts) & 0xFFFF), ">u4"
    )
    if segments is None:
        return 0
    return index.end + offset + int(np.sum(segments[0::3] & 0x7FFFFFFF))


def _word(file: VideoFile, offset: int) -> int:
    return int.from_bytes(file.read(offset, 4), "big")


def _table(file: VideoFile, box: _Box, skipped: int, count: int, kind: str) -> _Numbers | None:
    """Read a table of numbers; None if it is too long to be believed or for its box.

    Args:
        file: The file.
        box: The box that holds the table.
        skipped: The number of bytes in the box before the table.
        count: The number of numbers in the table.
        kind: The type of each number.
    """
    length = count * np.dtype(kind).itemsize
    if count > _MOST_ENTRIES or box.start + skipped + length > box.end:
        return None
    data = file.read(box.start + skipped, length)
    return np.frombuffer(data, kind).astype(np.int64) if len(data) == length else None
