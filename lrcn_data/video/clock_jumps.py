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
    """How a container counts time.

    Attributes:
        time_base: The length of a tick in seconds.
        container_start: The time at which the container's first stream starts, in microseconds.
        start: The time in ticks that counts as 0.
        wraps_at: The number of bits of a time, after which times start again from 0; None where
            they don't.
        jumps: Whether gaps and steps backwards are closed.
        frame: The usual duration of a frame in ticks; 0 where it is unknown.
    """

    time_base: Fraction
    container_start: int
    start: int
    wraps_at: int | None
    jumps: bool
    frame: int

    def ticks(self, microseconds: int) -> int:
        """Convert microseconds to ticks."""
        # most are 0, and a Fraction takes long
        return nearest(Fraction(microseconds, _SECOND) / self.time_base) if microseconds else 0

    def microseconds(self, ticks: int) -> int:
        """Convert ticks to microseconds."""
        return nearest(ticks * self.time_base * _SECOND)

    def since_start(self, ticks: int) -> int:
        """Convert a time in ticks to microseconds since `start`."""
        return self.microseconds(ticks - self.start)

    def lasts(self, duration: int) -> int:
        """How long a packet lasts in microseconds, given its duration in ticks or 0 if unknown."""
        return self.microseconds(duration or self.frame)


def put_right(
    pts: Sequence[int | None],
    dts: Sequence[int | None],
    durations: Sequence[int],
    clock: Clock,
) -> tuple[Column, Column]:
    """Free packets' times of wraps and jumps; times without any stay the same.

    Args:
        pts: The presentation times in ticks, in decoding order; None for a packet without one.
        dts: The decoding times in ticks, likewise.
        durations: The durations in ticks; 0 where they are unknown.
        clock: How the container counts time.

    Returns:
        The pts and the dts, which still count from where the file counts from.
    """
    right_pts, right_dts = _unwrapped(pts, dts, clock)
    if clock.jumps:
        _close_jumps(right_pts, right_dts, durations, clock)
    else:
        _drop_absurd(right_pts, right_dts, durations, clock)
    return right_pts, right_dts


def may_jump(pts: Sequence[int | None], time_base: Fraction) -> bool:
    """Whether a stream's times lie further apart than can be believed without looking for jumps."""
    known = known_times(pts)
    if not known:
        return False
    microseconds = (max(known) - min(known)) * time_base.numerator * _SECOND
    return microseconds > _ABSURD * time_base.denominator


def _unwrapped(
    pts: Sequence[int | None], dts: Sequence[int | None], clock: Clock
) -> tuple[Column, Column]:
    """Make those times at the start negative that are from before a wrap."""
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
    """Move the times after each jump to where they would be without it."""
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
    """Replace times by None that are so far off that no jump explains them."""
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
    """The time at which a packet is decoded, in microseconds since the start.

    Args:
        shown: The packet's pts in ticks.
        decoded: The packet's dts in ticks.
        expected: The time at which the packets before it would have it decoded, in microseconds
            since the start; None for the first packet.
        clock: How the container counts time.
    """
    if decoded is not None:
        return clock.since_start(decoded)
    if expected is not None:
        return expected
    return 0 if shown is None else clock.since_start(shown)
