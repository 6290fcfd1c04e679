"""What a source of packets is: it hands the packets of a stream out as often as it is asked.

There is one for packets that are kept (`packets_kept`), one that reads them from the container
again (`packets_demuxed`), and one that reads them where an AVI's index has them
(`packets_indexed`). `StreamPackets` chooses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from lrcn_data.video.container_av import VideoPacket
from lrcn_data.video.packet_plan import Group, PacketTable


class PacketSource(Protocol):
    """The packets of a stream, in decoding order."""

    @property
    def table(self) -> PacketTable:
        """What the packets say."""

    def all(self) -> Iterator[VideoPacket]:
        """All packets, as the container has them."""

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group."""
