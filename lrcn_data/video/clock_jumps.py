"""Times of packets whose clock wraps or jumps on the way, put right as ffmpeg's command line does.

Recordings of broadcasts, films joined file to file and streams with gaps count anew in the middle.
ffmpeg joins what belongs together (fftools/ffmpeg_demux.c: ts_fixup, ts_discontinuity_detect,
ist_dts_update), but only in containers that are known for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from lrcn_data.video.timeline import known_times, nearest

_SECOND = 1_000_000
_LONGEST_GAP = 10 * _SECOND
_BACKWARDS = _SECOND // 10
_ABSURD = 30 * 3600 * _SECOND
"""A jump after which a time is no longer believed, where clocks don't jump."""

Column = list[int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """How a container counts.

    Attributes:
        time_base: Seconds a tick.
        container_start: When its first stream starts, in microseconds.
        start: What becomes 0, in ticks.
        wraps_at: Bits after which times start anew; None where they don't.
        jumps: Whether gaps and steps backwards are closed.
        frame: A frame's usual duration in ticks, 0 where unknown.
    """

    time_base: Fraction
    container_start: int
    start: int
    wraps_at: int | None
    jumps: bool
    frame: int

    def ticks(self, microseconds: int) -> int:
        """Microseconds as ticks."""
        # most are 0, and a Fraction takes long
        return nearest(Fraction(microseconds, _SECOND) / self.time_base) if microseconds else 0

    def microseconds(self, ticks: int) -> int:
        """Ticks as microseconds."""
        return nearest(ticks * self.time_base * _SECOND)

    def since_start(self, ticks: int) -> int:
        """A time in ticks as microseconds from what becomes 0."""
        return self.microseconds(ticks - self.start)

    def lasts(self, duration: int) -> int:
        """Microseconds that a packet lasts whose duration is given in ticks, 0 where unknown."""
        return self.microseconds(duration or self.frame)


def put_right(
    pts: Sequence[int | None],
    dts: Sequence[int | None],
    durations: Sequence[int],
    clock: Clock,
) -> tuple[Column, Column]:
    """Packets' times without wraps and jumps; the same where there are none.

    Args:
        pts: Presentation times in ticks, in decoding order; None where there is none.
        dts: Decoding times likewise.
        durations: In ticks, 0 where unknown.
        clock: How they count.

    Returns:
        pts and dts, still counted from where the file counts from.
    """
    right_pts, right_dts = _unwrapped(pts, dts, clock)
    if clock.jumps:
        _close_jumps(right_pts, right_dts, durations, clock)
    else:
        _drop_absurd(right_pts, right_dts, durations, clock)
    return right_pts, right_dts


def may_jump(pts: Sequence[int | None], time_base: Fraction) -> bool:
    """Whether a stream is longer than any that its clock can be believed in."""
    known = known_times(pts)
    if not known:
        return False
    microseconds = (max(known) - min(known)) * time_base.numerator * _SECOND
    return microseconds > _ABSURD * time_base.denominator


def _unwrapped(
    pts: Sequence[int | None], dts: Sequence[int | None], clock: Clock
) -> tuple[Column, Column]:
    """Times at the start that are from before a wrap, made negative."""
    right_pts, right_dts = list(pts), list(dts)
    if clock.wraps_at is None:
        return right_pts, right_dts
    round_trip = 1 << clock.wraps_at
    highest = clock.ticks(clock.container_start) + round_trip // 2
    for number in range(len(right_pts)):
        wrapped = False
        for column in (right_pts, right_dts):
            time = column[number]
            if time is not None and time > highest:
                column[number] = time - round_trip
                wrapped = True
        if not wrapped:
            break
    return right_pts, right_dts


def _close_jumps(pts: Column, dts: Column, durations: Sequence[int], clock: Clock) -> None:
    """Move what follows a jump to where it would be without."""
    shift = 0
    last = expected = None
    for number, (shown, decoded) in enumerate(zip(pts, dts, strict=True)):
        moved = clock.ticks(shift)
        if decoded is not None and last is not None and expected is not None:
            now = clock.since_start(decoded + moved)
            gap = now - expected
            if abs(gap) > _LONGEST_GAP or now + _BACKWARDS < last:
                shift -= gap
                moved -= clock.ticks(gap)
        if shown is not None:
            pts[number] = shown + moved
        if decoded is not None:
            dts[number] = decoded + moved
        last = _decoded_at(shown, dts[number], expected, clock)
        expected = last + clock.lasts(durations[number])


def _drop_absurd(pts: Column, dts: Column, durations: Sequence[int], clock: Clock) -> None:
    """Take away the times that no jump explains."""
    expected = None
    for number, (shown, decoded) in enumerate(zip(pts, dts, strict=True)):
        if decoded is not None and expected is not None:
            if _is_absurd(decoded, expected, clock):
                dts[number] = None
            if shown is not None and _is_absurd(shown, expected, clock):
                pts[number] = None
        now = _decoded_at(shown, dts[number], expected, clock)
        expected = now + clock.lasts(durations[number])


def _is_absurd(time: int, expected: int, clock: Clock) -> bool:
    return abs(clock.since_start(time) - expected) > _ABSURD


def _decoded_at(shown: int | None, decoded: int | None, expected: int | None, clock: Clock) -> int:
    """When a packet is decoded, in microseconds from the start.

    Args:
        shown: The packet's pts.
        decoded: Its dts.
        expected: When it would be decoded by the packets before it; None for the first one.
        clock: How both count.
    """
    if decoded is not None:
        return clock.since_start(decoded)
    if expected is not None:
        return expected
    return 0 if shown is None else clock.since_start(shown)
