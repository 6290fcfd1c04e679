"""Reads what ffmpeg prints of a video's frames while it decodes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.limits import Limits
from lrcn_data.video.timeline import FrameStamp, Timeline, build_timeline

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
"""The line that names a codec and its decoder, which is `native` if it has the codec's name."""

_COLOR_RANGE = re.compile(rf"color_range:({'|'.join(_COLOR_RANGES)})")
_COLOR_SPACE = re.compile(rf"color_space:({'|'.join(_COLOR_SPACES)})(?!-)")
_ERROR = re.compile(r"\[(error|fatal|panic)\]|corrupt decoded frame")
"""Lines that refuse a video. A picture that ffmpeg marks as damaged is only a warning to it."""

_ROTATION = re.compile(r"display ?matrix: .*?rotation of (-?[\d.]+) degrees", re.IGNORECASE)


def is_error(line: str) -> bool:
    """Whether a line that ffmpeg prints refuses the video."""
    return _ERROR.search(line) is not None


@dataclass(frozen=True, slots=True)
class _FrameColors:
    """How a frame's pixels are to be understood, in the numbers of ISO/IEC 23091-2 and libav."""

    color_range: int
    color_space: int


@dataclass(slots=True)
class FrameReport:
    """What ffmpeg's showinfo filter prints of the frames, read line by line.

    Since ffmpeg 7, threads print into one another's lines, so that one line may say several things.

    Attributes:
        limits: How large a video may be.
        codec: The name of the decoder; empty until ffmpeg has printed it.
        rotation: The rotation of the pictures in degrees; None if none is printed.
        time_base: The length of a tick in seconds; None until ffmpeg has printed it.
        frame_rate: The codec's nominal number of frames per second; None if it has none.
        stamps: What is printed of each frame's time, in the order of decoding.
        colors: How each frame's pixels are to be understood.
        errors: The lines that refuse the video.
        gap: Whether the line of some frame was lost.
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
        """Read a line that ffmpeg has printed.

        Raises:
            VideoError: The frames' format changes on the way (`unsupported`), or there are too many
                frames (`too-large`).
        """
        if is_error(text):
            self.errors.append(text)
        if match := _CODEC.search(text):
            self.codec = match[1] if match[2] == "native" else match[2]
        if (match := _ROTATION.search(text)) and len(self.colors) <= 1:
            # it is told of the stream, of every frame, or of both
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
        """Make the timeline of all frames.

        Raises:
            VideoError: There are no frames (`damaged`), or it isn't known when each one is shown
                (`unsupported`).
        """
        if not self.stamps or self.time_base is None:
            raise VideoError(Reason.DAMAGED, "no frame decodes")
        if self.gap:
            detail = "ffmpeg doesn't tell the time of every frame; use --decoder av"
            raise VideoError(Reason.UNSUPPORTED, detail)
        return build_timeline(self.stamps, time_base=self.time_base, frame_rate=self.frame_rate)
