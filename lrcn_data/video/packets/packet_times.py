"""Puts right the times in a table of packets whose container's clock may wrap or jump."""

from __future__ import annotations

from lrcn_data.video.clock_jumps import Clock, may_jump, put_right
from lrcn_data.video.container_av import ContainerStream, VideoPacket
from lrcn_data.video.packets.packet_plan import PacketTable
from lrcn_data.video.timeline import ticks_a_frame

_WRAPS_AT = {"mpegts": 33, "mpeg": 33, "flv": 32, "asf": 32}
"""The number of bits of a time in containers whose clocks wrap (pts_wrap_bits), by demuxer."""


def put_times_right(table: PacketTable, opened: ContainerStream) -> None:
    """Close the jumps in a table's times, of which most tables have none.

    Args:
        table: All packets of the stream. Its times are changed, and its `jumps` then says whether
            any of them was.
        opened: The open stream.
    """
    clock = clock_of(opened)
    sound = not clock.jumps and clock.wraps_at is None
    if sound and not may_jump(table.pts, clock.time_base):
        return
    pts, dts = put_right(table.pts, table.dts, table.durations, clock)
    table.jumps = (pts, dts) != (table.pts, table.dts)
    table.pts, table.dts = pts, dts


def clock_of(opened: ContainerStream) -> Clock:
    """How the container of a stream counts time."""
    time_base = opened.time_base
    return Clock(
        time_base=time_base,
        container_start=opened.container.start_time or 0,
        start=opened.start,
        wraps_at=_WRAPS_AT.get(opened.container.format.name),
        jumps=opened.clock_jumps,
        frame=ticks_a_frame(opened.codec.framerate, time_base),
    )


def with_times(packet: VideoPacket, pts: int | None, dts: int | None) -> VideoPacket:
    """Give a packet other times, and return it.

    Args:
        packet: The packet, which is changed.
        pts: The presentation time in ticks; None for none.
        dts: The decoding time in ticks; None for none.
    """
    packet.pts, packet.dts = pts, dts
    return packet
