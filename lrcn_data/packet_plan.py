"""Which packets must be decoded for the frames that are wanted: pure decisions.

Reading all packets of a video costs a twentieth of decoding it. Where their timestamps and
keyframes can be trusted, they say when every frame will be shown, and only the groups of pictures
that lead to wanted frames need decoding. Where they can't, `predict` says so and the video is
decoded from start to end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lrcn_data.timeline import FrameStamp

_NOT_CODED = 20
"""Bytes; an MPEG-4 packet below this may be a placeholder that gives no picture."""


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """What is known of a packet of the video stream without decoding it.

    Attributes:
        pts: Presentation time in ticks.
        dts: Decoding time in ticks.
        duration: In ticks, 0 where unknown.
        size: Bytes.
        entry: Whether decoding may start here and give exact pictures from its pts on.
        hidden: Whether an edit list hides its picture.
        corrupt: Whether the container says that it is damaged.
    """

    pts: int | None
    dts: int | None
    duration: int
    size: int
    entry: bool
    hidden: bool
    corrupt: bool


@dataclass(frozen=True, slots=True)
class Prediction:
    """The frames that the packets promise, in the order in which they are shown.

    Attributes:
        stamps: One a frame.
        packets: The number of the packet that each frame is coded in, in decoding order.
    """

    stamps: list[FrameStamp]
    packets: list[int]


def predict(packets: Sequence[PacketInfo], codec: str) -> Prediction | None:
    """Say which frames will come out, or None where the packets can't be trusted to tell."""
    if not packets or not packets[0].entry:
        return None
    first = packets[0].pts
    shown: list[tuple[int, int]] = []
    for number, packet in enumerate(packets):
        if packet.pts is None or first is None or packet.pts < first:
            return None
        if packet.size == 0 or (codec == "mpeg4" and packet.size < _NOT_CODED):
            return None
        if not packet.hidden:
            shown.append((packet.pts, number))
    shown.sort()
    if any(a[0] == b[0] for a, b in pairwise(shown)):
        return None
    stamps = [FrameStamp(pts=pts, dts=None, duration=packets[n].duration) for pts, n in shown]
    return Prediction(stamps=stamps, packets=[number for _, number in shown])


def suspicion(
    packets: Sequence[PacketInfo], *, header_frames: int, header_end: int | None, second: int
) -> str | None:
    """A reason to decode everything strictly, or None.

    Args:
        packets: All of the video stream, in decoding order.
        header_frames: Frames that the header promises, 0 where it says nothing.
        header_end: When the header says that the stream ends, in ticks; None where it doesn't.
        second: Ticks a second, rounded.
    """
    if any(packet.corrupt for packet in packets):
        return "the container marks a packet as damaged"
    if len(packets) < header_frames:
        return f"the header promises {header_frames} frames, there are {len(packets)} packets"
    times = sorted(p.pts for p in packets if p.pts is not None)
    if not times:
        return None
    steps = [b - a for a, b in pairwise(times)]
    usual = sorted(steps)[len(steps) // 2] if steps else 0
    if steps and max(steps) > max(second, 10 * usual):
        return f"a gap of {max(steps) / second:.1f} s between two frames"
    end = max(p.pts + max(p.duration, usual) for p in packets if p.pts is not None)
    if header_end is not None and end + usual < header_end:
        return f"packets end {(header_end - end) / second:.2f} s before the header's end"
    return None


@dataclass(frozen=True, slots=True)
class Group:
    """A stretch of packets to decode one after the other, from an entry point.

    Attributes:
        start: Number of its first packet.
        stop: Number of the packet after the last one that wanted frames need.
    """

    start: int
    stop: int


def plan_groups(
    packets: Sequence[PacketInfo], prediction: Prediction, wanted: Collection[int]
) -> list[Group]:
    """The shortest stretches of packets from which the wanted frames can be decoded.

    A stretch starts at the last entry point at or before the frame's packet whose own picture is
    not shown later than the frame: pictures that follow an entry point in the stream but are shown
    before it may need what came before it (open groups of pictures).

    Args:
        packets: All of the video stream, in decoding order.
        prediction: Made from them.
        wanted: Numbers of frames.
    """
    entries: list[tuple[int, int]] = [
        (number, packet.pts)
        for number, packet in enumerate(packets)
        if packet.entry and packet.pts is not None
    ]
    groups: list[Group] = []
    cursor = 0
    for frame in sorted(wanted):
        target = prediction.packets[frame]
        pts = prediction.stamps[frame].pts
        assert pts is not None
        while (
            cursor + 1 < len(entries)
            and entries[cursor + 1][0] <= target
            and entries[cursor + 1][1] <= pts
        ):
            cursor += 1
        start = entries[cursor][0]
        if groups and start <= groups[-1].stop:
            groups[-1] = Group(groups[-1].start, max(groups[-1].stop, target + 1))
        else:
            groups.append(Group(start, target + 1))
    return groups
