"""Puts right the times in a table of packets whose container's clock may wrap or jump."""

from __future__ import annotations

from lrcn_data.video.clock_jumps import Clock, may_jump, put_right
from lrcn_data.video.container_av import OpenStream, VideoPacket
from lrcn_data.video.packets.packet_plan import PacketTable
from lrcn_data.video.timeline import ticks_a_frame

_WRAPS_AT = {"mpegts": 33, "mpeg": 33, "flv": 32, "asf": 32}
"""The number of bits of a time in containers whose clocks wrap (pts_wrap_bits), by demuxer."""


def put_times_right(table: PacketTable, opened: OpenStream) -> None:
    """Close the jumps in a table's times, of which most tables have none.

    Args:
        table: All packets of the stream. Its times are changed, and its `jumps` then says whether
            any of them was.
        opened: The open stream.
    """
    time_base = opened.time_base
    wraps_at, jumps = _WRAPS_AT.get(opened.container.format.name), opened.clock_jumps
    if not jumps and wraps_at is None and not may_jump(table.pts, time_base):
        return
    clock = Clock(
        time_base=time_base,
        container_start=opened.container.start_time or 0,
        start=opened.start,
        wraps_at=wraps_at,
        jumps=jumps,
        frame=ticks_a_frame(opened.codec.framerate, time_base),
    )
    pts, dts = put_right(table.pts, table.dts, table.durations, clock)
    table.jumps = (pts, dts) != (table.pts, table.dts)
    table.pts, table.dts = pts, dts


def with_times(packet: VideoPacket, pts: int | None, dts: int | None) -> VideoPacket:
    """Give a packet other times, and return it.

    Args:
        packet: The packet, which is changed.
        pts: The presentation time in ticks; None for none.
        dts: The decoding time in ticks; None for none.
    """
    packet.pts, packet.dts = pts, dts
    return packet
