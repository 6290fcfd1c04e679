"""The fps stream against what ffmpeg's fps filter is known to do, and against its definition."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.video.fps_stream import FpsStream, FpsTicks
from lrcn_data.video.timeline import Timeline


def constant(frames: int, rate: int) -> Timeline:
    return Timeline(time_base=Fraction(1, rate), times=range(frames), end=frames)


def test_five_fps_of_25_takes_frames_2_7_12() -> None:
    assert list(FpsStream(constant(125, 25), Fraction(5)))[:4] == [2, 7, 12, 17]


def test_the_source_rate_takes_every_frame_once() -> None:
    assert list(FpsStream(constant(40, 25), Fraction(25))) == list(range(40))


def test_a_rate_above_the_sources_repeats_frames() -> None:
    assert list(FpsStream(constant(4, 5), Fraction(10))) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_video_without_frames_has_an_empty_stream() -> None:
    assert list(FpsStream(Timeline(time_base=Fraction(1, 25), times=[], end=0), Fraction(5))) == []


@given(
    steps=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    start=st.integers(-1000, 1000),
    fps=st.fractions(Fraction(1, 2), 60, max_denominator=1001),
)
def test_each_tick_shows_the_last_frame_that_is_due(
    steps: list[int], start: int, fps: Fraction
) -> None:
    base = Fraction(1, 1000)
    times = [start]
    for step in steps[:-1]:
        times.append(times[-1] + step)
    timeline = Timeline(time_base=base, times=times, end=times[-1] + steps[-1])

    def tick(time: int) -> int:
        exact = time * base * fps
        below = exact.numerator // exact.denominator
        rest = exact - below
        if rest == Fraction(1, 2):
            return below + 1 if exact > 0 else below
        return below + (rest > Fraction(1, 2))

    expected = []
    for number in range(tick(times[0]), tick(timeline.end)):
        expected.append(max(i for i, time in enumerate(times) if tick(time) <= number))
    assert list(FpsStream(timeline, fps)) == expected


@given(
    steps=st.lists(st.integers(-50, 400), min_size=1, max_size=60),
    start=st.integers(-1000, 1000),
    fps=st.fractions(Fraction(1, 2), 60, max_denominator=1001),
)
def test_frames_that_come_one_after_another_are_shown_as_often_as_in_the_whole(
    steps: list[int], start: int, fps: Fraction
) -> None:
    times = [start, *(start + total for total in accumulate(steps))]
    timeline = Timeline(time_base=Fraction(1, 1000), times=times[:-1], end=times[-1])
    ticks = FpsTicks(timeline.time_base, fps)
    assert ticks.until(times[0]) == 0
    shown = [frame for frame, time in enumerate(times[1:]) for _ in range(ticks.until(time))]
    assert shown == list(FpsStream(timeline, fps))
    assert ticks.length == len(shown)
