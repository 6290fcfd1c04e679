"""Packets of an AVI of MPEG-4 pictures, whose index and first bytes save demuxing all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.avi_file import WORD, AviChunks
from lrcn_data.video.clock_jumps import may_jump
from lrcn_data.video.container_av import OpenStream, VideoPacket
from lrcn_data.video.mpeg4_pictures import intra_pictures
from lrcn_data.video.packet_plan import Group, PacketTable
from lrcn_data.video.video_file import VideoFile

_FIRST_STREAM, _ITS_SOUND = (int.from_bytes(name, "little") for name in (b"00dc", b"01wb"))
"""Names of the chunks that hold the first stream's pictures, and the second stream's sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
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
class IndexedPackets:
    """Packets that are read where the index has them; see `packet_source.PacketSource`."""

    table: PacketTable
    file: VideoFile
    places: list[int]

    def all(self) -> Iterator[VideoPacket]:
        """All packets."""
        return self._read(0, len(self.table))

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group."""
        return self._read(group.start, group.stop)

    def _read(self, start: int, stop: int) -> Iterator[VideoPacket]:
        read, duration = self.file.read, self.table.durations[0]
        where = zip(self.places[start:stop], self.table.sizes[start:stop], strict=True)
        for number, (place, size) in enumerate(where, start):
            data = read(place, size)
            if len(data) < size:
                raise VideoError(Reason.DAMAGED, "the file became shorter while it was read")
            # one made of the data itself would lack the padding that decoders read beyond its end
            packet: Any = av.Packet(size)
            memoryview(packet)[:] = data
            packet.pts = packet.dts = number
            packet.duration = duration
            yield packet


def indexed_packets(opened: OpenStream, first: VideoPacket) -> IndexedPackets | None:
    """The packets by an AVI's index; None for other files, and where it can't be believed.

    Args:
        opened: The stream.
        first: The packet that libavformat gives first.

    Raises:
        VideoError: There are too many packets (`too-large`).
    """
    avi = opened.source.avi
    if not avi or not avi.chunks:
        return None
    pictures = find_pictures(opened.source.file, avi.chunks)
    if not pictures or not _bears_out(opened, first, pictures):
        return None
    count = len(pictures.sizes)
    opened.options.limits.check_frames(count)
    table = PacketTable(
        pts=list(range(count)),
        dts=list(range(count)),
        durations=[first.duration or 0] * count,
        sizes=pictures.sizes,
        entries=pictures.intra,
    )
    return IndexedPackets(table, opened.source.file, pictures.places)


def _bears_out(opened: OpenStream, first: VideoPacket, pictures: IndexedPictures) -> bool:
    """Whether libavformat's first packet is the picture that the index has first, at time 0.

    Without B-frames and jumps the times of the others follow.
    """
    codec, streams = opened.codec, opened.container.streams
    stream = (opened.stream.index, codec.name, codec.has_b_frames)
    same = (first.pts, first.dts, first.size) == (0, 0, pictures.sizes[0])
    jumps = may_jump((0, len(pictures.sizes)), opened.time_base)
    heard = not pictures.sound or (len(streams) > 1 and streams[1].type == "audio")
    return same and stream == (0, "mpeg4", False) and heard and not jumps


def find_pictures(file: VideoFile, chunks: AviChunks) -> IndexedPictures | None:
    """Where the pictures lie, if all chunks are those of one video stream and of one with sound.

    Each picture is one of MPEG-4, none bidirectional, and all of them are under the first one's
    header.

    Args:
        file: The AVI.
        chunks: All of its chunks.
    """
    # for a short clip numpy's calls count, not its numbers: as few as possible
    pictures = chunks.names == _FIRST_STREAM
    sounds = len(chunks.names) - int(np.count_nonzero(pictures))
    if np.count_nonzero(chunks.names == _ITS_SOUND) < sounds:
        return None
    places, sizes = chunks.places[pictures].tolist(), chunks.sizes[pictures].tolist()
    if min(sizes, default=0) < WORD:
        return None
    intra = intra_pictures(file.read, places, sizes, chunks.starts[pictures])
    if intra is None:
        return None
    return IndexedPictures(places=places, sizes=sizes, intra=intra, sound=sounds > 0)
