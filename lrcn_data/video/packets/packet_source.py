"""What a source of packets is: it gives the packets of a stream as often as it is asked.

There is one for packets that are kept in memory (`kept`), one that reads them from the
container again (`demuxed`), and one that reads them where an AVI's index says that they
lie (`indexed`). `stream_packets.StreamPackets` chooses one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from lrcn_data.video.container_av import VideoPacket
from lrcn_data.video.packets.packet_plan import Group, PacketTable


class PacketSource(Protocol):
    """Gives the packets of a stream in decoding order."""

    @property
    def table(self) -> PacketTable:
        """What the packets say of themselves."""

    def all(self) -> Iterator[VideoPacket]:
        """All packets, as the container has them."""

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group."""
