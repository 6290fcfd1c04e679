"""The fps stream: which source frame ffmpeg's `fps` filter shows at each tick of a frame rate.

The rules are those of libavfilter/vf_fps.c, with its default rounding, `near`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, islice
from operator import gt

from lrcn_data.video.timeline import Timeline, round_near


class FpsStream:
    """For each frame of the fps stream, the number of the source frame that it shows.

    It is a sequence that does what ffmpeg's `fps` filter does: times are rounded to the new rate's
    ticks, and each tick from the first frame's on shows the last frame that is due by then. Each
    number is worked out when it is asked for, since a clip takes few of a film's frames.

    Args:
        timeline: The timeline of the whole video.
        fps: The number of frames per second of the fps stream.
    """

    def __init__(self, timeline: Timeline, fps: Fraction) -> None:
        # ticks of the new rate a tick of the old one; not in lowest terms, which takes longer
        self._numerator = fps.numerator * timeline.time_base.numerator
        self._denominator = fps.denominator * timeline.time_base.denominator
        # frame i is due for every tick before the one that its end is rounded to
        times = timeline.times
        ends = [*times[1:], timeline.end]
        if any(map(gt, ends, islice(ends, 1, None))):
            ends = list(accumulate(ends, max))
        self._ends = ends
        self._first = self._tick(times[0] if times else timeline.end)
        self._length = max(0, self._tick(ends[-1]) - self._first)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> int:
        if not 0 <= position < self._length:
            raise IndexError(position)
        tick = self._first + position + 1
        return bisect_left(self._ends, _earliest(tick, self._numerator, self._denominator))

    def __iter__(self) -> Iterator[int]:
        return map(self.__getitem__, range(self._length))

    def _tick(self, time: int) -> int:
        return round_near(time * self._numerator, self._denominator)


class FpsTicks:
    """The fps stream of frames that come one after another: the same frames as in `FpsStream`.

    How many frames of the fps stream a frame is, the next one says, or the end, as it may take the
    tick that the frame is nearest to. So they are known one frame of the source later.

    Args:
        time_base: The length of a tick of the frames' times in seconds.
        fps: The number of frames per second of the fps stream.

    Attributes:
        length: The number of frames of the fps stream so far.
    """

    def __init__(self, time_base: Fraction, fps: Fraction) -> None:
        self._rate = fps * time_base
        self._next: int | None = None
        self.length = 0

    def until(self, time: int) -> int:
        """The number of frames of the fps stream that show the last frame; 0 before the first one.

        Args:
            time: The time in ticks of the next frame, or at which the last one ends.
        """
        tick = round_near(time * self._rate.numerator, self._rate.denominator)
        before = tick if self._next is None else self._next
        # times that run backwards show nothing
        self._next = max(before, tick)
        self.length += self._next - before
        return self._next - before


def _earliest(tick: int, numerator: int, denominator: int) -> int:
    """The earliest time that `round_near` rounds to the given tick or a later one."""
    half_before = (2 * tick - 1) * denominator
    if tick > 0:
        return -(-half_before // (2 * numerator))
    return half_before // (2 * numerator) + 1
