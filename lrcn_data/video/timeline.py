"""Works out when a video's frames are shown, and which of them the fps stream takes.

All times are whole numbers of a time base's ticks, as in the file, so that nothing is ever rounded
twice. All of it is pure arithmetic. The rules are those of ffmpeg: how its command line fills in
missing timestamps and durations (fftools/ffmpeg_dec.c), and which frames its `fps` filter repeats
or drops (libavfilter/vf_fps.c, rounding `near`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import cast


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameStamp:
    """What the file says of a decoded frame's time, in ticks; None where it says nothing.

    Attributes:
        pts: The presentation time.
        dts: The decoding time of the packet with which the decoder gave the frame.
        duration: How long the frame is shown; 0 where that is unknown.
    """

    pts: int | None
    dts: int | None
    duration: int


def untimed(stamp: FrameStamp, usual: int) -> FrameStamp:
    """What is known of a frame's time where its container has no times, and they are made up.

    Args:
        stamp: What libavformat says of it.
        usual: How long a frame is usually shown, in ticks; 0 where that is unknown.
    """
    return FrameStamp(pts=None, dts=None, duration=usual or stamp.duration)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """The times of a video's frames, in the order in which the decoder gives them.

    Attributes:
        time_base: The length of a tick in seconds.
        times: The time in ticks at which each frame is shown.
        end: The time in ticks at which the last frame ends.
    """

    time_base: Fraction
    times: Sequence[int]
    end: int

    def seconds(self, frame: int) -> float:
        """The time from the first frame to the frame of a number, in seconds."""
        return self._from_first(self.times[frame])

    @property
    def duration(self) -> float:
        """The time from the first frame to the end of the last one, in seconds."""
        return self._from_first(self.end)

    @property
    def average_fps(self) -> float:
        """Frames per second over the whole video, to 6 digits; 0 if it has no duration."""
        ticks = self.end - self.times[0] if self.times else 0
        numerator, denominator = self.time_base.as_integer_ratio()
        return round(len(self.times) * denominator / (ticks * numerator), 6) if ticks > 0 else 0.0

    def _from_first(self, time: int) -> float:
        # the same as with a Fraction, which takes ten times longer: both are exact, then rounded
        ticks = time - self.times[0]
        return ticks * self.time_base.numerator / self.time_base.denominator


def rising_timeline(
    pts: Sequence[int],
    last_duration: int,
    *,
    time_base: Fraction,
    frame_rate: Fraction | None,
    average_rate: Fraction | None,
    start: int,
) -> Timeline:
    """Build the timeline of frames whose pts are all known and rise; a faster `build_timeline`.

    Args:
        pts: The presentation time of each frame in ticks, in rising order.
        last_duration: The duration of the last frame in ticks; 0 where it is unknown.
        time_base: See `build_timeline`.
        frame_rate: See `build_timeline`.
        average_rate: See `build_timeline`.
        start: See `build_timeline`.
    """
    times = [time - start for time in pts] if start else pts
    previous = times[-2] if len(times) > 1 else None
    duration = (
        _frame_duration(last_duration, times[-1], previous)
        or ticks_a_frame(frame_rate, time_base)
        or ticks_a_frame(average_rate, time_base)
        or 1
    )
    return Timeline(time_base=time_base, times=times, end=times[-1] + duration)


def build_timeline(
    stamps: Iterable[FrameStamp],
    *,
    time_base: Fraction,
    frame_rate: Fraction | None,
    average_rate: Fraction | None = None,
    start: int = 0,
) -> Timeline:
    """Build a timeline: fill in times that the file leaves open, and count from the start.

    A frame without a pts takes its dts; one without either follows the one before it by that one's
    duration. Where pts run backwards more often than dts, dts are taken instead (libavcodec's
    best-effort timestamp).

    Args:
        stamps: What the file says of each frame's time, in the order in which the decoder gives the
            frames.
        time_base: The length of a tick in seconds.
        frame_rate: The codec's nominal number of frames per second, for durations that are not
            given; None if the codec has none.
        average_rate: The container's number of frames per second, which is used if the codec has
            none.
        start: The time in ticks that becomes 0.
    """
    frame_times = FrameTimes(
        time_base=time_base, frame_rate=frame_rate, average_rate=average_rate, start=start
    )
    times = list(map(frame_times.add, stamps))
    return Timeline(time_base=time_base, times=times, end=frame_times.end)


class FrameTimes:
    """The times of frames that come one after another; `build_timeline` has the rules.

    Args:
        time_base: See `build_timeline`.
        frame_rate: See `build_timeline`.
        average_rate: See `build_timeline`.
        start: See `build_timeline`.
    """

    def __init__(
        self,
        *,
        time_base: Fraction,
        frame_rate: Fraction | None,
        average_rate: Fraction | None,
        start: int,
    ) -> None:
        self._nominal = ticks_a_frame(frame_rate, time_base) or ticks_a_frame(
            average_rate, time_base
        )
        self._start = start
        self._corrector = _BestEffort()
        self._last: int | None = None
        self._duration = 0

    def add(self, stamp: FrameStamp) -> int:
        """The time of the next frame in ticks, counted from the start."""
        best, previous = self._corrector.time(stamp), self._last
        if best is not None:
            time = best - self._start
        else:
            time = 0 if previous is None else previous + self._duration
        self._duration = (
            _frame_duration(stamp.duration, time, previous)
            or self._nominal
            or max(self._duration, 1)
        )
        self._last = time
        return time

    @property
    def end(self) -> int:
        """The time in ticks at which the last frame so far ends; 0 before the first one."""
        return 0 if self._last is None else self._last + self._duration


def known_times(column: Sequence[int | None]) -> Sequence[int]:
    """The times in a column that are known; if all are, the column itself.

    Args:
        column: Times in ticks; None where they are unknown.
    """
    if None in column:
        return [time for time in column if time is not None]
    return cast(Sequence[int], column)


@lru_cache
def ticks_a_frame(rate: Fraction | None, time_base: Fraction) -> int:
    """How long a frame is shown, in ticks.

    Args:
        rate: The number of frames per second; None where it is unknown.
        time_base: The length of a tick in seconds.

    Returns:
        The number of ticks; 0 if the rate is unknown.
    """
    return nearest(1 / (rate * time_base)) if rate else 0


class _BestEffort:
    """libavcodec's guess_correct_pts: pts, unless they have gone backwards more often than dts."""

    def __init__(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self._faulty_pts = 0
        self._faulty_dts = 0

    def time(self, stamp: FrameStamp) -> int | None:
        pts, dts = stamp.pts, stamp.dts
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        if pts is not None and (dts is None or self._faulty_pts <= self._faulty_dts):
            return pts
        return dts


def _frame_duration(given: int, time: int, previous: int | None) -> int:
    """Estimate a frame's duration as ffmpeg's command line does.

    Args:
        given: The duration in ticks that the file states; 0 where it states none.
        time: The time in ticks at which the frame is shown.
        previous: The time in ticks at which the frame before it is shown; None for the first one.

    Returns:
        The number of ticks; 0 if only the frame rate can tell.
    """
    step = time - previous if previous is not None else 0
    made_up = given == 1 and step > 2
    if given > 0 and not made_up:
        return given
    if step > 0:
        return step
    return given


def round_near(numerator: int, denominator: int) -> int:
    """Round a fraction to the nearest whole number, halves away from 0 (AV_ROUND_NEAR_INF)."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def nearest(value: Fraction) -> int:
    """Round a value to the nearest whole number, halves away from 0."""
    return round_near(*value.as_integer_ratio())
