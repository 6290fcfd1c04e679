"""The fps stream against what ffmpeg's fps filter is known to do, and against its definition."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.timeline import FrameStamp, Timeline, build_timeline


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


def stamp(pts: int | None, dts: int | None = None, duration: int = 1) -> FrameStamp:
    return FrameStamp(pts=pts, dts=dts, duration=duration)


def build(*stamps: FrameStamp, rate: Fraction | None = None, start: int = 0) -> Timeline:
    return build_timeline(stamps, time_base=Fraction(1, 25), frame_rate=rate, start=start)


def test_a_frame_without_pts_takes_its_dts_and_the_last_one_follows_the_one_before() -> None:
    timeline = build(stamp(None, 1), stamp(2, 2), stamp(None, 3), stamp(None, None))
    assert (list(timeline.times), timeline.end) == ([1, 2, 3, 4], 5)


def test_dts_are_taken_once_pts_have_run_backwards() -> None:
    timeline = build(stamp(1, 1), stamp(2, 2), stamp(4, 3), stamp(3, 4), stamp(5, 5))
    assert list(timeline.times) == [1, 2, 4, 4, 5]


def test_the_containers_start_becomes_zero() -> None:
    assert list(build(stamp(100), stamp(101), start=100).times) == [0, 1]


def test_a_missing_duration_is_the_step_from_the_frame_before() -> None:
    assert build(stamp(0, duration=0), stamp(7, duration=0)).end == 14


def test_a_single_frame_without_duration_lasts_a_nominal_frame() -> None:
    assert build(stamp(0, duration=0), rate=Fraction(5)).end == 5


def test_average_fps_is_frames_by_duration() -> None:
    assert constant(125, 25).average_fps == 25.0
