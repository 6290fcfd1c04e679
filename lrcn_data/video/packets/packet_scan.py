"""Reads all packets of a stream before any is decoded, and makes a table of what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from av.video.codeccontext import VideoCodecContext

from lrcn_data.video.container_av import OpenStream, VideoPacket, is_flush
from lrcn_data.video.mpeg4_pictures import PICTURE_START
from lrcn_data.video.packets.demuxed import DemuxedPackets
from lrcn_data.video.packets.entry_points import is_entry_point
from lrcn_data.video.packets.kept import KeptPackets
from lrcn_data.video.packets.packet_plan import PacketTable
from lrcn_data.video.packets.packet_source import PacketSource
from lrcn_data.video.packets.packet_times import put_times_right

_KEPT_BYTES = 2 << 20
"""The most bytes of packets that are kept between looking at them and decoding. If there are more,
those that are needed are read a second time, which costs less than freeing a film's memory."""

_BYTES_AT_ONCE = 64 << 10
"""The number of bytes of packets that are noted together once they are too many to keep, so that
their memory is used again and again."""


def scan_packets(opened: OpenStream, packets: Iterator[VideoPacket]) -> PacketSource:
    """Look at all packets of a stream, and keep them if they are few.

    Args:
        opened: The open stream.
        packets: An iterator over all of its packets.

    Raises:
        VideoError: There are too many packets (`too-large`).
        FAILURES: libav can't read the file to its end.
    """
    limits = opened.options.limits
    table = PacketTable(untimed=opened.is_untimed)
    kept: list[VideoPacket] | None = None
    for batch in _batches(islice(packets, limits.frames + 1)):
        kept = None if len(table) else batch
        _note(table, batch, opened.codec)
    limits.check_frames(len(table))
    put_times_right(table, opened)
    return DemuxedPackets(table, opened) if kept is None else KeptPackets(table, kept)


def _batches(packets: Iterable[VideoPacket]) -> Iterator[list[VideoPacket]]:
    """Divide packets into batches; the last one may be empty.

    The first batch has as many packets as may be kept, all others have only a few.
    """
    batch: list[VideoPacket] = []
    held, most = 0, _KEPT_BYTES
    for packet in packets:
        size = packet.size
        if not size and is_flush(packet):
            continue
        batch.append(packet)
        held += size
        if held > most:
            yield batch
            batch, held, most = [], 0, _BYTES_AT_ONCE
    yield batch


def _note(table: PacketTable, packets: list[VideoPacket], codec: VideoCodecContext) -> None:
    """Add packets to the end of a table, by columns, since a film has a million packets."""
    first = len(table)
    table.pts += [packet.pts for packet in packets]
    table.dts += [packet.dts for packet in packets]
    table.durations += [packet.duration or 0 for packet in packets]
    table.sizes += [packet.size for packet in packets]
    keyframes = [pair for pair in enumerate(packets, first) if pair[1].is_keyframe]
    table.entries += [
        number for number, packet in keyframes if number == 0 or is_entry_point(packet, codec)
    ]
    table.hidden.update(
        [number for number, packet in enumerate(packets, first) if packet.is_discard]
    )
    table.corrupt |= True in [packet.is_corrupt for packet in packets]
    table.changes |= any(_changes_decoder(number, packet) for number, packet in keyframes)
    if codec.name == "mpeg4" and table.pts and table.pts[0] is None:
        table.pictures += [bytes(packet).count(PICTURE_START) for packet in packets]


def _changes_decoder(number: int, keyframe: VideoPacket) -> bool:
    """Whether a keyframe brings the decoder colours or settings of its own.

    Settings in the first packet don't count, as they may be those of the header.
    """
    if next(keyframe.iter_sidedata(), None) is None:
        return False  # asking for kinds in vain takes ten times longer
    # not the kind of each, as PyAV has no name for some
    return keyframe.has_sidedata("palette") or (
        number > 0 and keyframe.has_sidedata("new_extradata")
    )
