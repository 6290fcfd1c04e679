"""Packets of a small file, all of which stay in memory between looking at them and decoding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lrcn_data.video.container_av import VideoPacket
from lrcn_data.video.packets.packet_plan import Group, PacketTable


@dataclass(frozen=True, slots=True)
class KeptPackets:
    """Packets that are kept in memory; see `packet_source.PacketSource`.

    Attributes:
        table: What the packets say of themselves.
        packets: The packets.
    """

    table: PacketTable
    packets: list[VideoPacket]

    def all(self) -> Iterator[VideoPacket]:
        """All packets."""
        return iter(self.packets)

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group."""
        return iter(self.packets[group.start : group.stop])
