"""Decides which packets must be decoded for the wanted frames; all functions here are pure.

Reading all packets of a video costs a twentieth of decoding it. Where their timestamps and
keyframes can be trusted, they say when every frame will be shown, and only the groups of pictures
that lead to wanted frames need decoding. MPEG-4 packets without pts (AVI with B-frames) tell at
least with which packet each frame comes, so that decoding can stop at the last wanted one. Where
neither is possible, the video is decoded from start to end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from operator import le, lt, sub
from typing import cast

from lrcn_data.video.timeline import FrameStamp, known_times

_NOT_CODED = 20
"""A number of bytes; a smaller MPEG-4 packet may be a placeholder that gives no picture."""

_MOST_DELAY = 16
"""The most frames that may be shown before one whose packet comes first, in H.264 and HEVC."""


@dataclass(slots=True)
class PacketTable:
    """What is known of a video stream's packets without decoding them, in decoding order.

    It is kept by columns rather than packet by packet, since a film has a million packets.

    Attributes:
        pts: The presentation times in ticks; None where the container gives none.
        dts: The decoding times in ticks; None where the container gives none.
        durations: The durations in ticks; 0 where they are unknown.
        sizes: The sizes in bytes.
        entries: The numbers of the packets at which decoding may start: from the packet's pts on,
            it gives exact pictures.
        hidden: The numbers of the packets whose pictures an edit list hides.
        pictures: The number of pictures in each packet, placeholders included; empty unless the
            packets are MPEG-4 without pts.
        changes: Whether some packet brings the decoder new settings or colours, without which
            later ones can't be decoded.
        corrupt: Whether the container marks any packet as damaged.
        jumps: Whether the container's clock jumps or wraps on the way; the times here are put
            right.
        untimed: Whether the container has no times, so that those here are made up.
    """

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    pictures: list[int] = field(default_factory=list)
    changes: bool = False
    corrupt: bool = False
    jumps: bool = False
    untimed: bool = False

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class Prediction:
    """The frames that the packets promise, in the order in which they are shown.

    Attributes:
        pts: The pts of each frame in ticks, in rising order.
        last_duration: The duration of the last frame in ticks; 0 where it is unknown.
        packets: For each frame, the number of the packet that it is coded in, in decoding order.
        delay: The largest number of frames that are shown before one whose packet comes first.
    """

    pts: list[int]
    last_duration: int
    packets: Sequence[int]
    delay: int


def predict(table: PacketTable, codec: str) -> Prediction | None:
    """Predict which frames will come out of the decoder.

    Args:
        table: All packets of the video stream.
        codec: The name of the stream's decoder.

    Returns:
        The frames; None where the packets can't be trusted to tell.
    """
    if table.untimed or not table.entries or table.entries[0] != 0 or None in table.pts:
        return None
    all_pts = cast(list[int], table.pts)
    smallest = _NOT_CODED if codec == "mpeg4" else 1
    if min(table.sizes) < smallest:
        return None
    if all(map(lt, all_pts, islice(all_pts, 1, None))) and not table.hidden:
        # a short cut to what follows, for most streams without B-frames
        last = table.durations[-1]
        return Prediction(pts=all_pts, last_duration=last, packets=range(len(all_pts)), delay=0)
    if min(all_pts) < all_pts[0]:
        return None
    packets = sorted(range(len(all_pts)), key=all_pts.__getitem__)
    delay = max(map(sub, packets, count()))
    if table.hidden:
        packets = [number for number in packets if number not in table.hidden]
    pts = [all_pts[number] for number in packets]
    if len(set(pts)) < len(pts) or not pts:
        return None
    return Prediction(
        pts=pts, last_duration=table.durations[packets[-1]], packets=packets, delay=delay
    )


def can_plan(table: PacketTable, prediction: Prediction, *, reorders: bool) -> bool:
    """Whether it can be believed that each frame is coded in the packet with its pts.

    It can't after a copy from an AVI, which has only decoding times, into another container.

    Args:
        table: All packets of the video stream.
        prediction: The frames that these packets promise.
        reorders: Whether the decoder gives frames in another order than it takes their packets.
    """
    if reorders != (prediction.delay > 0) or prediction.delay > _MOST_DELAY:
        return False
    if None in table.dts or None in table.pts:
        times = zip(table.pts, table.dts, strict=True)
        return all(dts is None or pts is None or dts <= pts for pts, dts in times)
    return all(map(le, cast(list[int], table.dts), cast(list[int], table.pts)))


@dataclass(frozen=True, slots=True)
class Delayed:
    """How an MPEG-4 decoder with B-frames hands out the frames of packets without pts.

    Attributes:
        packets: For each frame, the number of the packet with which it comes. The last frame comes
            after all packets, so its number is the number of packets.
        runs: For each packet, the number of the first packet of its run, within which pictures are
            carried over from one packet to the next.
    """

    packets: list[int]
    runs: list[int]

    def needed(self, wanted: Collection[int]) -> set[int]:
        """The numbers of the packets at which B-frames must be decoded for the wanted frames.

        The picture that a packet carries over is lost if the decoder skips the B-frame that it is
        working on.

        Args:
            wanted: The numbers of the wanted frames.
        """
        lasts = [self.packets[frame] for frame in wanted]
        inside = [last for last in lasts if last < len(self.runs)]
        return {number for last in inside for number in range(self.runs[last], last + 1)}


def delayed_frames(table: PacketTable) -> Delayed | None:
    """Find out with which packet of an MPEG-4 stream each frame comes.

    DivX and XviD pack a B-frame into the packet of the reference frame that it needs, and put a
    placeholder in later, so that containers without pts can hold them. With every packet the
    decoder works on one picture, carried over or the packet's own, and hands out one: a B-frame at
    once, a reference frame when the next one comes, so all of them a picture late.

    Returns:
        None if the table doesn't tell, or if a packet would carry over more than one picture, which
        no decoder does.
    """
    if not table.pictures or None in table.dts or table.hidden:
        return None
    worked, runs = [], []
    carried = start = 0
    for number, (size, held) in enumerate(zip(table.sizes, table.pictures, strict=True)):
        if not carried:
            start = number
        runs.append(start)
        carried += held if size >= _NOT_CODED else 0
        if carried:
            worked.append(number)
            carried -= 1
        if carried > 1:
            return None
    return Delayed(packets=[*worked[1:], len(runs)], runs=runs)


def delayed_stamps(table: PacketTable, packets: Iterable[int]) -> list[FrameStamp]:
    """What the decoder will say of the times of frames that come with given packets.

    These are the packets' times. Those of the frame that comes after all packets are unknown.

    Args:
        table: All packets of the video stream.
        packets: For each frame, the number of the packet with which it comes.
    """
    pts, dts, durations = [*table.pts, None], [*table.dts, None], [*table.durations, 0]
    durations[-1] = table.durations[-1]
    return [
        FrameStamp(pts=pts[number], dts=dts[number], duration=durations[number])
        for number in packets
    ]


def suspicion(
    table: PacketTable, *, header_frames: int, header_end: int | None, second: int
) -> str | None:
    """Find a reason to decode everything strictly.

    Args:
        table: All packets of the video stream.
        header_frames: The number of frames that the header promises; 0 if it says nothing.
        header_end: The time in ticks at which the stream ends by the header; None if that doesn't
            say.
        second: The number of ticks in a second, rounded.

    Returns:
        The reason in words; None if there is none.
    """
    if table.corrupt:
        return "the container marks a packet as damaged"
    if table.jumps:
        return "the container's clock jumps or wraps"
    if table.changes:
        return "the decoder's settings change on the way"
    if len(table) < header_frames:
        return f"the header promises {header_frames} frames, there are {len(table)} packets"
    column = table.dts if None in table.pts else table.pts
    times = sorted(known_times(column))
    if not times:
        return None
    steps = sorted(map(sub, times[1:], times))
    usual = steps[len(steps) // 2] if steps else 0
    if steps and steps[-1] > max(second, 10 * usual):
        return f"a gap of {steps[-1] / second:.1f} s between two frames"
    end = times[-1] + max(table.durations[column.index(times[-1])], usual)
    if header_end is not None and end + usual < header_end:
        return f"packets end {(header_end - end) / second:.2f} s before the header's end"
    return None


@dataclass(frozen=True, slots=True)
class Group:
    """A stretch of packets to decode one after the other, from an entry point.

    Attributes:
        start: The number of its first packet, which is an entry point.
        stop: The number of the packet after the last one that wanted frames need.
    """

    start: int
    stop: int


def plan_groups(table: PacketTable, prediction: Prediction, wanted: Collection[int]) -> list[Group]:
    """Find the shortest stretches of packets from which the wanted frames can be decoded.

    A stretch starts at the last entry point at or before the frame's packet whose own picture is
    not shown later than the frame: pictures that follow an entry point in the stream but are shown
    before it may need what came before it (open groups of pictures).

    Args:
        table: All packets of the video stream.
        prediction: The frames that these packets promise.
        wanted: The numbers of the wanted frames.
    """
    entries = table.entries
    groups: list[Group] = []
    for frame in sorted(wanted):
        target, pts = prediction.packets[frame], prediction.pts[frame]
        last = bisect_right(entries, target) - 1
        while last and cast(int, table.pts[entries[last]]) > pts:
            last -= 1
        start = entries[last]
        if groups and start <= groups[-1].stop:
            groups[-1] = Group(groups[-1].start, max(groups[-1].stop, target + 1))
        else:
            groups.append(Group(start, target + 1))
    return groups
