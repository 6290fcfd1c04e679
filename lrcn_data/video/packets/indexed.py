"""Packets of an AVI with MPEG-4 pictures, found by its index and first bytes without demuxing."""

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
from lrcn_data.video.packets.packet_plan import Group, PacketTable
from lrcn_data.video.video_file import VideoFile

_FIRST_STREAM, _ITS_SOUND = (int.from_bytes(name, "little") for name in (b"00dc", b"01wb"))
"""The names of the chunks with the first stream's pictures, and with the second stream's sound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedPictures:
    """Where the MPEG-4 pictures of an AVI's first stream lie, in the order in which they are shown.

    Attributes:
        offsets: The offset of each picture in the file.
        sizes: The number of bytes of each picture.
        intra: The numbers of the pictures that are decoded by themselves.
        sound: Whether there are other chunks between them, which are believed to be the second
            stream's sound.
    """

    offsets: list[int]
    sizes: list[int]
    intra: list[int]
    sound: bool


@dataclass(frozen=True, slots=True)
class IndexedPackets:
    """Packets that are read where the index says; see `packet_source.PacketSource`.

    Attributes:
        table: What the packets say of themselves.
        file: The file.
        offsets: The offset of each packet in the file.
    """

    table: PacketTable
    file: VideoFile
    offsets: list[int]

    def all(self) -> Iterator[VideoPacket]:
        """All packets."""
        return self._read(0, len(self.table))

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group."""
        return self._read(group.start, group.stop)

    def _read(self, start: int, stop: int) -> Iterator[VideoPacket]:
        read, duration = self.file.read, self.table.durations[0]
        where = zip(self.offsets[start:stop], self.table.sizes[start:stop], strict=True)
        for number, (offset, size) in enumerate(where, start):
            data = read(offset, size)
            if len(data) < size:
                raise VideoError(Reason.DAMAGED, "the file became shorter while it was read")
            # a packet made of the data itself would lack the padding that decoders read beyond it
            packet: Any = av.Packet(size)
            memoryview(packet)[:] = data
            packet.pts = packet.dts = number
            packet.duration = duration
            yield packet


def indexed_packets(opened: OpenStream, first: VideoPacket) -> IndexedPackets | None:
    """Find the packets by an AVI's index.

    Args:
        opened: The open stream.
        first: The first packet that libavformat gives.

    Returns:
        The packets; None for files that aren't AVIs, and where the index can't be believed.

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
    return IndexedPackets(table, opened.source.file, pictures.offsets)


def _bears_out(opened: OpenStream, first: VideoPacket, pictures: IndexedPictures) -> bool:
    """Whether libavformat's first packet is the index's first picture, at time 0.

    Without B-frames and jumps, the times of the others follow from that.
    """
    codec, streams = opened.codec, opened.container.streams
    stream = (opened.stream.index, codec.name, codec.has_b_frames)
    same = (first.pts, first.dts, first.size) == (0, 0, pictures.sizes[0])
    jumps = may_jump((0, len(pictures.sizes)), opened.time_base)
    heard = not pictures.sound or (len(streams) > 1 and streams[1].type == "audio")
    return same and stream == (0, "mpeg4", False) and heard and not jumps


def find_pictures(file: VideoFile, chunks: AviChunks) -> IndexedPictures | None:
    """Find where the pictures lie, if all chunks are those of one video and one sound stream.

    Args:
        file: The AVI.
        chunks: All of its chunks.

    Returns:
        None if there are other chunks, or if the pictures are not all MPEG-4, without bidirectional
        ones, and with the header of the first one.
    """
    # as few calls as possible: for a short clip numpy's calls take the time, not its numbers
    pictures = chunks.names == _FIRST_STREAM
    sounds = len(chunks.names) - int(np.count_nonzero(pictures))
    if np.count_nonzero(chunks.names == _ITS_SOUND) < sounds:
        return None
    offsets, sizes = chunks.offsets[pictures].tolist(), chunks.sizes[pictures].tolist()
    if min(sizes, default=0) < WORD:
        return None
    intra = intra_pictures(file.read, offsets, sizes, chunks.starts[pictures])
    if intra is None:
        return None
    return IndexedPictures(offsets=offsets, sizes=sizes, intra=intra, sound=sounds > 0)
