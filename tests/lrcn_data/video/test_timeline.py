"""Times as ffmpeg's command line fills them in where the file leaves them open."""

from __future__ import annotations

from fractions import Fraction

from lrcn_data.video.timeline import FrameStamp, Timeline, build_timeline


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
    timeline = Timeline(time_base=Fraction(1, 25), times=range(125), end=125)
    assert timeline.average_fps == 25.0
