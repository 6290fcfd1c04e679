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
    repair = ClockRepair(clock)
    right = [repair.put_right(*times) for times in zip(pts, dts, durations, strict=True)]
    return [shown for shown, _ in right], [decoded for _, decoded in right]


def may_jump(pts: Sequence[int | None], time_base: Fraction) -> bool:
    """Whether a stream's times lie further apart than can be believed without looking for jumps."""
    known = known_times(pts)
    if not known:
        return False
    microseconds = (max(known) - min(known)) * time_base.numerator * _SECOND
    return microseconds > _ABSURD * time_base.denominator


class ClockRepair:
    """Puts the times of packets right as they come.

    Args:
        clock: How the container counts time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shift = 0
        self._last: int | None = None
        self._expected: int | None = None
        self._wraps = clock.wraps_at is not None

    def put_right(
        self, pts: int | None, dts: int | None, duration: int
    ) -> tuple[int | None, int | None]:
        """Put the times of the next packet right.

        Args:
            pts: Its presentation time in ticks; None where it has none.
            dts: Its decoding time in ticks, likewise.
            duration: Its duration in ticks; 0 where it is unknown.
        """
        pts, dts = self._unwrapped(pts, dts)
        shown = pts
        pts, dts = self._without_jump(pts, dts) if self._clock.jumps else self._believed(pts, dts)
        self._last = self._decoded_at(shown, dts)
        self._expected = self._last + self._clock.lasts(duration)
        return pts, dts

    def _unwrapped(self, pts: int | None, dts: int | None) -> tuple[int | None, int | None]:
        """Make times at the start negative that are from before a wrap."""
        if not self._wraps or self._clock.wraps_at is None:
            return pts, dts
        round_trip = 1 << self._clock.wraps_at
        highest = self._clock.ticks(self._clock.container_start) + round_trip // 2
        right_pts, right_dts = (
            time - round_trip if time is not None and time > highest else time
            for time in (pts, dts)
        )
        # those behind the first packet without such a time are from after it
        self._wraps = (right_pts, right_dts) != (pts, dts)
        return right_pts, right_dts

    def _without_jump(self, pts: int | None, dts: int | None) -> tuple[int | None, int | None]:
        """Move times to where they would be without the jumps so far."""
        clock, moved = self._clock, self._clock.ticks(self._shift)
        if dts is not None and self._last is not None and self._expected is not None:
            now = clock.since_start(dts + moved)
            gap = now - self._expected
            if abs(gap) > _LONGEST_GAP or now + _BACKWARDS < self._last:
                self._shift -= gap
                moved -= clock.ticks(gap)
        return None if pts is None else pts + moved, None if dts is None else dts + moved

    def _believed(self, pts: int | None, dts: int | None) -> tuple[int | None, int | None]:
        """Replace times by None that are so far off that no jump explains them."""
        if dts is None or self._expected is None:
            return pts, dts
        return (
            None if pts is not None and self._is_absurd(pts, self._expected) else pts,
            None if self._is_absurd(dts, self._expected) else dts,
        )

    def _is_absurd(self, time: int, expected: int) -> bool:
        return abs(self._clock.since_start(time) - expected) > _ABSURD

    def _decoded_at(self, shown: int | None, decoded: int | None) -> int:
        """The time at which a packet is decoded, in microseconds since the start."""
        if decoded is not None:
            return self._clock.since_start(decoded)
        if self._expected is not None:
            return self._expected
        return 0 if shown is None else self._clock.since_start(shown)
