"""Packets of a large file, which are read from the container once more when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import av
from av.video.stream import VideoStream

from lrcn_data.video.container_av import (
    OpenStream,
    VideoPacket,
    is_flush,
    open_container,
    read_only,
)
from lrcn_data.video.packets.packet_plan import Group, PacketTable


@dataclass(frozen=True, slots=True)
class DemuxedPackets:
    """Packets that are demuxed again; see `packet_source.PacketSource`.

    Messages that libav logs while seeking are removed from those that are collected.

    Attributes:
        table: What the packets say of themselves.
        opened: The open stream.
    """

    table: PacketTable
    opened: OpenStream

    def all(self) -> Iterator[VideoPacket]:
        """All packets, read from the file through a container that is opened for them."""
        with open_container(self.opened.source, self.opened.options) as again:
            stream = again.streams[self.opened.stream.index]
            assert isinstance(stream, VideoStream)
            read_only(stream)
            yield from _without_flush(again.demux(stream))

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group, the first of which is found by the container's index."""
        packets = self._seek(group.start) or islice(self.all(), group.start, None)
        return islice(packets, group.stop - group.start)

    def _seek(self, number: int) -> Iterator[VideoPacket] | None:
        """The packets from a number on; None if the container's index doesn't lead there."""
        before = len(self.opened.messages)
        # some containers count by pts; by dts all get there, some by a detour
        packets = self._sought(number, self.table.pts) or self._sought(number, self.table.dts)
        # what is said on the way is of other packets, or of an index that leads nowhere
        del self.opened.messages[before:]
        return packets

    def _sought(self, number: int, column: Sequence[int | None]) -> Iterator[VideoPacket] | None:
        table, time = self.table, column[number]
        if time is None:
            return None
        try:
            self.opened.container.seek(time, stream=self.opened.stream)
        except av.FFmpegError:
            return None
        found = (table.pts[number], table.dts[number], table.sizes[number])
        packets = _without_flush(self.opened.demux())
        for packet in packets:
            if (packet.pts, packet.dts, packet.size) == found:
                return chain((packet,), packets)
            if packet.dts is not None and packet.dts > time:
                break
        return None


def _without_flush(packets: Iterator[VideoPacket]) -> Iterator[VideoPacket]:
    return (packet for packet in packets if not is_flush(packet))
