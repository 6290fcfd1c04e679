"""What is read in ffmpeg's messages."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lrcn_data.errors import VideoError
from lrcn_data.video.ffmpeg_report import FrameReport, is_error
from lrcn_data.video.limits import Limits

STREAM = "[info]   Stream #0:0 -> #0:0 (h264 (native) -> wrapped_avframe (native))\n"
FILTER = "[Parsed_showinfo_0 @ 0x1] [info] config in time_base: 1/10, frame_rate: 10/1\n"


def frame(number: int, pts: object, rest: str = "duration:      1 fmt:yuv420p") -> str:
    return f"[Parsed_showinfo_0 @ 0x1] [info] n:{number:4} pts:{pts:>7} pts_time:0 {rest}\n"


def report(*lines: str, limits: Limits = Limits()) -> FrameReport:  # noqa: B008
    found = FrameReport(limits=limits)
    for line in (STREAM, FILTER, *lines):
        found.line(line)
    return found


def test_the_times_of_all_frames_are_read() -> None:
    timeline = report(frame(0, 0), frame(1, 1), frame(2, 3)).timeline()
    assert (timeline.times, timeline.end, timeline.time_base) == ([0, 1, 3], 4, Fraction(1, 10))


def test_a_frame_without_a_time_follows_the_one_before() -> None:
    assert report(frame(0, 0), frame(1, "NOPTS")).timeline().times == [0, 1]


@pytest.mark.parametrize(
    ("said", "name"), [("vp9 (native)", "vp9"), ("vp9 (libvpx-vp9)", "libvpx-vp9")]
)
def test_a_decoder_is_known_by_its_name(said: str, name: str) -> None:
    assert report(STREAM.replace("h264 (native)", said)).codec == name


def test_colours_are_those_of_the_frame_whose_line_is_the_last() -> None:
    colours = "color_range:pc color_space:bt709 color_primaries:unknown\n"
    found = report(frame(0, 0), frame(1, 1), f"[Parsed_showinfo_0 @ 0x1] [info] {colours}")
    assert [(color.color_range, color.color_space) for color in found.colors] == [(0, 2), (2, 1)]


def test_a_rotation_is_that_of_the_stream() -> None:
    turned = "[info] displaymatrix: rotation of -90.00 degrees\n"
    assert report(turned, frame(0, 0)).rotation == -90
    assert report(frame(0, 0)).rotation is None


def test_a_line_that_is_lost_refuses_the_video() -> None:
    with pytest.raises(VideoError, match="doesn't tell the time of every frame"):
        report(frame(0, 0), frame(2, 2)).timeline()


def test_a_video_without_frames_is_refused() -> None:
    with pytest.raises(VideoError, match="no frame decodes"):
        report().timeline()


def test_frames_that_change_their_format_refuse_the_video() -> None:
    with pytest.raises(VideoError, match="change on the way; use --decoder av"):
        report(frame(0, 0), FILTER)


def test_more_frames_than_are_allowed_refuse_the_video() -> None:
    lines = [frame(number, number) for number in range(3)]
    report(*lines, limits=Limits(frames=3))
    with pytest.raises(VideoError, match="more than 2 frames"):
        report(*lines, limits=Limits(frames=2))


@pytest.mark.parametrize(
    ("line", "refuses"),
    [
        ("[h264 @ 0x1] [error] error while decoding MB\n", True),
        ("[fatal] no such file\n", True),
        ("[warning] corrupt decoded frame in stream 0\n", True),
        ("[h264 @ 0x1] [warning] deprecated pixel format\n", False),
        (frame(0, 0), False),
    ],
)
def test_errors_and_damaged_frames_refuse_the_video(line: str, refuses: bool) -> None:
    assert is_error(line) == refuses
    assert bool(report(line).errors) == refuses
