"""Decodes in ffmpeg processes: for isolation, and for builds of ffmpeg with other codecs.

The first process decodes everything and tells each frame's time, the second hands over the wanted
frames in the decoder's own pixel format. Both decode the whole video, strictly, with one thread.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import av
import ffmpeg

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import PROTOCOLS
from lrcn_data.video.avi_file import read_avi
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.display_matrix import Matrix, rotation_matrix
from lrcn_data.video.ffmpeg_program import find_ffmpeg
from lrcn_data.video.ffmpeg_report import FrameReport, is_error
from lrcn_data.video.media_process import MediaProcess
from lrcn_data.video.mp4_file import missing_of_mp4
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import nearest
from lrcn_data.video.video_file import VideoFile

_MOST_TERMS = 50
"""The most runs of wanted frames that ffmpeg's select filter is given one by one."""

_PLACEHOLDER = "input"

_MICROSECONDS = "1/1000000"
"""The time base of the output; in a coarser one, two frames could fall on the same tick."""

_COUNTED = f"settb={_MICROSECONDS},setpts=N"
"""Filters that number the frames instead of timing them, since ffmpeg gives up where the file's own
times do not rise."""

_NO_DECODER = re.compile(r"no decoder found for|Decoder \(codec \S+\) not found")
_PACKETS_BASE = re.compile(r"#tb 0: (\d+)/(\d+)")
_PACKET = re.compile(r"0, +-?\d+, +(-?\d+), +(\d+),")
"""A line of framecrc: stream, dts, pts, duration."""


def read_video(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read a video's wanted frames; see `decoding.ReadVideo`.

    Args:
        file: The open file.
        sink: Decides which frames are wanted, and takes them.
        options: How the video is decoded.

    Raises:
        VideoError: The file can't be used, with the reason.
        UsageError: There is no ffmpeg on this machine.
    """
    url, avi = file.url, read_avi(file)
    if fault := avi.lost or avi.cut if avi else missing_of_mp4(file):
        raise VideoError(Reason.DAMAGED, fault)
    report = _ask_about_frames(url, options)
    timeline = report.timeline()
    options.limits.check_duration(timeline)
    wanted = sorted(set(sink.choose(timeline)))
    if wanted:
        _hand_over(url, wanted, report, sink, options)
    else:
        _decode_strictly(url, report, options)
    return Decoded(timeline=timeline, decoding="full")


def _command(
    url: str, options: DecodeOptions, output: str, *, said: str = "warning", **settings: str
) -> list[str]:
    """Make an ffmpeg command that decodes strictly.

    Args:
        url: The URL of the file.
        options: How the video is decoded.
        output: Where ffmpeg writes to.
        said: The level of the least important messages that ffmpeg prints.
        settings: More options of the output, by name.
    """
    source = ffmpeg.input(
        _PLACEHOLDER,
        protocol_whitelist=PROTOCOLS,
        format_whitelist=options.format_whitelist,
        err_detect="explode",
        flags="unaligned",
        max_pixels=options.limits.pixels,
        threads=1,
        noautorotate=None,
    )
    target = source.output(
        output, an=None, sn=None, dn=None, map_metadata=-1, threads=1, **settings
    )
    arguments: list[str] = target.global_args(
        "-hide_banner", "-nostdin", "-nostats", "-loglevel", f"level+{said}"
    ).compile(cmd=find_ffmpeg())
    # ffmpeg-python can't hash a name that is no unicode
    return [url if argument == _PLACEHOLDER else argument for argument in arguments]


def _ask_about_frames(url: str, options: DecodeOptions) -> FrameReport:
    """Find out when each frame is shown and how its pixels are to be understood.

    An error that is seen refuses the video. That none is seen means little, since an error can lose
    its mark in another thread's line. So when frames are decoded next, ffmpeg prints nothing but
    warnings and errors.

    Raises:
        VideoError: The file can't be used.
    """
    report = FrameReport(limits=options.limits)
    command = _command(
        url,
        options,
        "-",
        said="info",
        vf=f"showinfo=checksum=0,{_COUNTED}",
        format="null",
        fps_mode="passthrough",
        enc_time_base=_MICROSECONDS,
    )
    with MediaProcess(command, timeout=options.timeout) as process:
        for line in process.stderr_lines():
            report.line(line)
            if report.codec:
                options.check_decoder(report.codec)
        code = process.wait()
    _refuse_errors(report.errors, code, report)
    if report.stamps and not any(stamp.duration for stamp in report.stamps):
        # ffmpeg 5 tells no durations; all but the last one's follow from the times
        report.stamps[-1] = replace(
            report.stamps[-1], duration=_last_duration(url, options, report)
        )
    return report


def _last_duration(url: str, options: DecodeOptions, report: FrameReport) -> int:
    """The duration in ticks that the packet shown last states; 0 if it states none."""
    command = _command(url, options, "pipe:1", vcodec="copy", format="framecrc")
    time_base, shown = Fraction(0), (0, 0)
    with (
        MediaProcess(command, timeout=options.timeout) as process,
        process.collected_stderr(is_error),
    ):
        for line in process.stdout.read().decode(errors="replace").splitlines():
            if match := _PACKETS_BASE.fullmatch(line):
                time_base = Fraction(int(match[1]), int(match[2]))
            elif match := _PACKET.match(line):
                shown = max(shown, (int(match[1]), int(match[2])))
    if report.time_base is None or not time_base:
        return 0
    return nearest(shown[1] * time_base / report.time_base)


def _refuse_errors(errors: Sequence[str], code: int, report: FrameReport) -> None:
    if not errors and code == 0:
        return
    said = _message(errors) if errors else f"ffmpeg ended with exit code {code}"
    for error in errors:
        if "exceeds specified max pixel count" in error:
            raise VideoError(Reason.TOO_LARGE, _message([error]))
    if any(map(_NO_DECODER.search, errors)):
        raise VideoError(Reason.UNSUPPORTED, "no decoder knows the codec of its video stream")
    if not report.codec:
        raise VideoError(Reason.NOT_A_VIDEO, f"ffmpeg finds no video in it that is allowed: {said}")
    frames = f"{len(report.stamps)} frames decode in all"
    raise VideoError(Reason.DAMAGED, f"the decoder says: {said}; {frames}")


def _message(errors: Sequence[str]) -> str:
    """The first error of the part of ffmpeg whose name comes first, as parts talk in no order."""
    first = min(errors, key=lambda error: (" @ " not in error, error.partition(" @ ")[0]))
    return re.sub(r"\[([^\]@]+) @ 0x[0-9a-f]+\] (\[\w+\] )?", r"\1: ", first).strip()[:300]


def _decode_strictly(url: str, report: FrameReport, options: DecodeOptions) -> None:
    """Check that all of a video decodes, where no frame of it is wanted."""
    command = _command(url, options, "-", format="null")
    with MediaProcess(command, timeout=options.timeout) as process:
        errors = list(filter(is_error, process.stderr_lines()))
        code = process.wait()
    _refuse_errors(errors, code, report)


def _hand_over(
    url: str, wanted: list[int], report: FrameReport, sink: FrameSink, options: DecodeOptions
) -> None:
    """Give the sink the wanted frames, and check that all of the video decodes."""
    expression, given = _select(wanted)
    command = _command(
        url,
        options,
        "pipe:1",
        vf=f"select='{expression}',{_COUNTED}",
        format="nut",
        vcodec="rawvideo",
        fps_mode="passthrough",
        enc_time_base=_MICROSECONDS,
    )
    converter = RgbConverter()
    matrix = None if report.rotation is None else _display_matrix(url, options, report.rotation)
    left = set(wanted)
    with (
        MediaProcess(command, timeout=options.timeout) as process,
        process.collected_stderr(is_error) as errors,
    ):
        # where ffmpeg breaks off it says why
        with (
            suppress(av.FFmpegError),
            av.open(process.stdout, mode="r", format="nut", metadata_errors="replace") as container,
        ):
            pictures = container.decode(video=0)
            for frame, picture in zip(given, pictures, strict=False):
                if frame in left:
                    colors = report.colors[frame]
                    picture.color_range = colors.color_range
                    picture.colorspace = colors.color_space
                    sink.take(frame, converter.convert(picture, matrix=matrix))
                    left.remove(frame)
            for _ in pictures:
                pass  # the rest is decoded too, to be seen to be sound
        code = process.wait()
    _refuse_errors(errors, code, report)
    if left:
        raise VideoError(
            Reason.DAMAGED, f"ffmpeg gave {len(wanted) - len(left)} of {len(wanted)} frames"
        )


def _display_matrix(url: str, options: DecodeOptions, rotation: float) -> Matrix | None:
    """Read the first picture's display matrix, since what ffmpeg prints of it leaves out mirroring.

    The track header of a mov has it as 16.16 fixed point numbers a, b, u, c, d, v, x, y, w (ISO/IEC
    14496-12, 8.3.2).

    Args:
        url: The URL of the file.
        options: How the video is decoded.
        rotation: The rotation in degrees that ffmpeg has printed. It counts where ffmpeg doesn't
            write the matrix: 5.1 does so only with that of the container, 9.0 also with that of
            the pictures.

    Raises:
        VideoError: ffmpeg doesn't write a track header (`unsupported`).
    """
    command = _command(
        url,
        options,
        "pipe:1",
        vf="scale=16:16,format=rgb24",
        vcodec="rawvideo",
        vframes="1",
        format="mov",
        movflags="frag_keyframe+empty_moov",
    )
    with (
        MediaProcess(command, timeout=options.timeout) as process,
        process.collected_stderr(is_error),
    ):
        written = process.stdout.read()
    header = written.find(b"tkhd") + 4
    if header < 4:
        detail = "ffmpeg doesn't tell how its pictures are turned; use --decoder av"
        raise VideoError(Reason.UNSUPPORTED, detail)
    # version and flags, times of one or two words, layer, group and volume
    offset = header + 4 + (32 if written[header] else 20) + 16
    a, b, _, c, d = struct.unpack_from(">5i", written, offset)
    unturned = a > 0 and d > 0 and b == c == 0
    return rotation_matrix(rotation) if unturned else (a, b, c, d)


def _select(wanted: list[int]) -> tuple[str, Collection[int]]:
    """Make an expression for the select filter, and say which frames it lets through."""
    runs: list[list[int]] = []
    for frame in wanted:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    if len(runs) > _MOST_TERMS:
        return f"between(n,{wanted[0]},{wanted[-1]})", range(wanted[0], wanted[-1] + 1)
    return "+".join(f"between(n,{first},{last})" for first, last in runs), wanted
