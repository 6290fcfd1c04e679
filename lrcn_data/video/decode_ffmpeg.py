"""Decodes in ffmpeg processes: for isolation, and for builds of ffmpeg with other codecs.

The first process decodes everything and tells each frame's time, the second hands over the wanted
frames in the decoder's own pixel format. Both decode all of it, strictly, with one thread.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

import av
import ffmpeg

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import PROTOCOLS
from lrcn_data.video.avi_file import read_avi
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.limits import Limits
from lrcn_data.video.media_process import MediaProcess
from lrcn_data.video.rgb import Matrix, RgbConverter, rotation_matrix
from lrcn_data.video.timeline import FrameStamp, Timeline, build_timeline, nearest
from lrcn_data.video.video_file import VideoFile

_MOST_TERMS = 50
"""Runs of wanted frames that ffmpeg's select filter is given one by one."""

_PLACEHOLDER = "input"

_MICROSECONDS = "1/1000000"
"""Time base of the output; in a coarser one two frames could fall on the same tick."""

_COUNTED = f"settb={_MICROSECONDS},setpts=N"
"""Numbers as the output's times: ffmpeg gives up where the file's own do not rise."""

_COLOR_SPACES = {
    "gbr": 0,
    "bt709": 1,
    "fcc": 4,
    "bt470bg": 5,
    "smpte170m": 6,
    "smpte240m": 7,
    "ycgco": 8,
    "bt2020nc": 9,
    "bt2020c": 10,
}
_UNKNOWN_SPACE = 2
_COLOR_RANGES = {"tv": 1, "pc": 2}

_FRAME = re.compile(r"\] n: *(\d+) pts: *(-?\d+|NOPTS) ")
_DURATION = re.compile(r" duration: *(\d+) ")
_TIME_BASE = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
_CODEC = re.compile(r"-> #0:0 \(([^\s?]+) \((\S+)\) ->")
"""A codec and its decoder, `native` where that has the codec's name."""

_PACKETS_BASE = re.compile(r"#tb 0: (\d+)/(\d+)")
_PACKET = re.compile(r"0, +-?\d+, +(-?\d+), +(\d+),")
"""A line of framecrc: stream, dts, pts, duration."""

_COLOR_RANGE = re.compile(rf"color_range:({'|'.join(_COLOR_RANGES)})")
_COLOR_SPACE = re.compile(rf"color_space:({'|'.join(_COLOR_SPACES)})(?!-)")
_ERROR = re.compile(r"\[(error|fatal|panic)\]|corrupt decoded frame")
"""Of a picture that it marks as damaged, ffmpeg only warns."""

_NO_DECODER = re.compile(r"no decoder found for|Decoder \(codec \S+\) not found")
_ROTATION = re.compile(r"display ?matrix: .*?rotation of (-?[\d.]+) degrees", re.IGNORECASE)


def is_error(line: str) -> bool:
    """Whether a line that ffmpeg says refuses the video."""
    return _ERROR.search(line) is not None


@cache
def find_ffmpeg() -> str:
    """The ffmpeg on the PATH, else imageio-ffmpeg's.

    Raises:
        UsageError: There is neither.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise UsageError(
            "--decoder ffmpeg: there is no ffmpeg on the PATH; install one, or"
            " pip install 'lrcn[ffmpeg]'"
        ) from error


@cache
def ffmpeg_version() -> str:
    """The version that ffmpeg says of itself.

    Raises:
        UsageError: There is no ffmpeg, or it doesn't run.
    """
    program = find_ffmpeg()
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(
            f"--decoder ffmpeg: {program} doesn't run ({error}); mend it, or put another on the"
            " PATH"
        ) from error
    first = said.stdout.split()
    return first[2] if len(first) > 2 else "unknown"


def read_video(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read a video's wanted frames; see `decoding.ReadVideo`.

    Args:
        file: The file.
        sink: Says which frames are wanted, and takes them.
        options: How to decode.

    Raises:
        VideoError: The file can't be used, with the reason.
        UsageError: There is no ffmpeg.
    """
    url, avi = file.url, read_avi(file)
    if avi and (fault := avi.lost or avi.cut):
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


@dataclass(frozen=True, slots=True)
class _FrameColors:
    """How a frame's pixels are to be understood."""

    color_range: int
    color_space: int


@dataclass(slots=True)
class _FrameReport:
    """What ffmpeg's showinfo filter says of the frames, read line by line.

    Since ffmpeg 7 its threads talk into one another's lines, so that one may say several things.
    """

    limits: Limits
    codec: str = ""
    rotation: float | None = None
    time_base: Fraction | None = None
    frame_rate: Fraction | None = None
    stamps: list[FrameStamp] = field(default_factory=list)
    colors: list[_FrameColors] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    gap: bool = False

    def line(self, text: str) -> None:
        if is_error(text):
            self.errors.append(text)
        if match := _CODEC.search(text):
            self.codec = match[1] if match[2] == "native" else match[2]
        if (match := _ROTATION.search(text)) and not self.colors:
            # ffmpeg 5 tells it of the stream, later ones of every frame too
            self.rotation = float(match[1]) if self.rotation is None else self.rotation
        if "showinfo" in text:
            self._showinfo(text)

    def _showinfo(self, text: str) -> None:
        if match := _TIME_BASE.search(text):
            self._filter(match)
        if match := _FRAME.search(text):
            self._frame(int(match[1]), match[2], _DURATION.search(text))
        if self.colors:
            if match := _COLOR_RANGE.search(text):
                self.colors[-1] = replace(self.colors[-1], color_range=_COLOR_RANGES[match[1]])
            if match := _COLOR_SPACE.search(text):
                self.colors[-1] = replace(self.colors[-1], color_space=_COLOR_SPACES[match[1]])

    def _filter(self, match: re.Match[str]) -> None:
        if self.time_base is not None:
            # ffmpeg starts its filters anew there, and its raw output has one format only
            detail = "size, format or colours of its frames change on the way; use --decoder av"
            raise VideoError(Reason.UNSUPPORTED, detail)
        self.time_base = Fraction(int(match[1]), int(match[2]))
        if int(match[3]) and int(match[4]):
            self.frame_rate = Fraction(int(match[3]), int(match[4]))

    def _frame(self, number: int, pts: str, duration: re.Match[str] | None) -> None:
        self.gap |= number != len(self.stamps)
        self.stamps.append(
            FrameStamp(
                pts=None if pts == "NOPTS" else int(pts),
                dts=None,
                duration=int(duration[1]) if duration else 0,
            )
        )
        self.colors.append(_FrameColors(0, _UNKNOWN_SPACE))
        self.limits.check_frames(len(self.stamps))

    def timeline(self) -> Timeline:
        if not self.stamps or self.time_base is None:
            raise VideoError(Reason.DAMAGED, "no frame decodes")
        if self.gap:
            detail = "ffmpeg doesn't tell the time of every frame; use --decoder av"
            raise VideoError(Reason.UNSUPPORTED, detail)
        return build_timeline(self.stamps, time_base=self.time_base, frame_rate=self.frame_rate)


def _command(
    url: str, options: DecodeOptions, output: str, *, said: str = "warning", **settings: str
) -> list[str]:
    """A command that decodes strictly, and says what is of the level `said` or above."""
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


def _ask_about_frames(url: str, options: DecodeOptions) -> _FrameReport:
    """See when each frame is shown and how its pixels are meant.

    An error that is seen refuses the video. That none is seen means little: it can lose its mark
    in another thread's line. So whatever is decoded next has ffmpeg say nothing but warnings and
    errors.

    Raises:
        VideoError: The file can't be used.
    """
    report = _FrameReport(limits=options.limits)
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


def _last_duration(url: str, options: DecodeOptions, report: _FrameReport) -> int:
    """How long the packet says that is shown last, in ticks; 0 where it doesn't."""
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


def _refuse_errors(errors: Sequence[str], code: int, report: _FrameReport) -> None:
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
    """The first error of whichever part of ffmpeg comes first by name: they talk in no order."""
    first = min(errors, key=lambda error: (" @ " not in error, error.partition(" @ ")[0]))
    return re.sub(r"\[([^\]@]+) @ 0x[0-9a-f]+\] (\[\w+\] )?", r"\1: ", first).strip()[:300]


def _decode_strictly(url: str, report: _FrameReport, options: DecodeOptions) -> None:
    """See whether all of a video decodes of which no frame is wanted."""
    command = _command(url, options, "-", format="null")
    with MediaProcess(command, timeout=options.timeout) as process:
        errors = list(filter(is_error, process.stderr_lines()))
        code = process.wait()
    _refuse_errors(errors, code, report)


def _hand_over(
    url: str, wanted: list[int], report: _FrameReport, sink: FrameSink, options: DecodeOptions
) -> None:
    """Give the sink the wanted frames, and see whether all of the video decodes."""
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
    """The container's display matrix: what ffmpeg says of it leaves out whether it mirrors.

    The track header of an mp4 has it as 16.16 fixed point numbers a, b, u, c, d, v, x, y, w
    (ISO/IEC 14496-12, 8.3.2).

    Args:
        url: Of the file.
        options: How it is decoded.
        rotation: Degrees that ffmpeg says, which count where only the pictures have a matrix.

    Raises:
        VideoError: An mp4 can't hold the video (`unsupported`).
    """
    command = _command(
        url,
        options,
        "pipe:1",
        vcodec="copy",
        vframes="1",
        format="mp4",
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
    place = header + 4 + (32 if written[header] else 20) + 16
    a, b, _, c, d = struct.unpack_from(">5i", written, place)
    unturned = a > 0 and d > 0 and b == c == 0
    return rotation_matrix(rotation) if unturned else (a, b, c, d)


def _select(wanted: list[int]) -> tuple[str, Collection[int]]:
    """An expression for the select filter, and the frames that it lets through."""
    runs: list[list[int]] = []
    for frame in wanted:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    if len(runs) > _MOST_TERMS:
        return f"between(n,{wanted[0]},{wanted[-1]})", range(wanted[0], wanted[-1] + 1)
    return "+".join(f"between(n,{first},{last})" for first, last in runs), wanted
