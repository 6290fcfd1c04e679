"""The packets of a video stream through PyAV: looked at first, then given again to decode."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from lrcn_data.video.container_av import OpenStream, VideoPacket
from lrcn_data.video.packets.indexed import indexed_packets
from lrcn_data.video.packets.packet_plan import Group, suspicion
from lrcn_data.video.packets.packet_scan import scan_packets
from lrcn_data.video.packets.packet_source import PacketSource
from lrcn_data.video.packets.packet_times import with_times


class StreamPackets:
    """The packets of a container's video stream, all of which are known before any is decoded.

    Args:
        opened: The open stream, which is not read from yet.

    Attributes:
        time_base: The length of a tick in seconds.
        table: What the packets say of themselves, with times that are put right.

    Raises:
        VideoError: The stream has no time base (`damaged`), or too many packets (`too-large`).
        FAILURES: libav can't read the file to its end.
    """

    def __init__(self, opened: OpenStream) -> None:
        self.time_base = opened.time_base
        self._opened = opened
        self._source = _choose_source(opened)
        self.table = self._source.table

    def all(self) -> Iterator[VideoPacket]:
        """Give all packets of the stream once more, with times that are put right."""
        packets = self._source.all()
        if not self.table.jumps:
            return packets
        return map(with_times, packets, self.table.pts, self.table.dts)

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """Give the packets of a group once more."""
        return self._source.group(group)

    def suspicion(self) -> str | None:
        """A reason to decode everything strictly, in words; None if there is none."""
        return suspicion(
            self.table,
            header_frames=self._opened.stream.frames,
            header_end=self._opened.header_end,
            second=max(1, round(1 / self.time_base)),
        )

    @property
    def start(self) -> int:
        """The time in ticks that counts as 0."""
        return self._opened.start


def _choose_source(opened: OpenStream) -> PacketSource:
    """Choose where packets come from: an AVI's index if it can be believed, else the container."""
    packets = opened.demux()
    first = next(packets)
    return indexed_packets(opened, first) or scan_packets(opened, chain((first,), packets))
