"""What both decoders have in common: limits, allow-lists, the reading protocol, and RGB.

A decoder reads one video: it finds out when each frame is shown, asks which frames are wanted, and
hands those over as RGB arrays. `decode_av` does it in process, `decode_ffmpeg` in ffmpeg processes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.timeline import Timeline
from lrcn_data.video_file import VideoFile

RGB = npt.NDArray[np.uint8]
"""A frame, uint8 (height, width, 3)."""

DEMUXERS = (
    "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,flv,gif,asf,ogg,mxf,nut,wtv,rm,"
    "m4v,mpegvideo,h264,hevc,ivf,obu,dv,swf,y4m,yuv4mpegpipe,apng"
)
"""Containers that people keep videos in; each opens the one file it is given and no other."""

DECODERS = frozenset(
    (
        *("mpeg4", "h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d"),
        *("libaom-av1", "mpeg1video", "mpeg2video", "mpegvideo", "mjpeg", "msmpeg4v1", "msmpeg4v2"),
        *(
            "msmpeg4",
            "wmv1",
            "wmv2",
            "wmv3",
            "vc1",
            "h261",
            "h263",
            "h263p",
            "flv",
            "theora",
            "vp3",
        ),
        *("vp6", "vp6f", "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo"),
        *(
            "rawvideo",
            "cinepak",
            "msrle",
            "msvideo1",
            "svq1",
            "svq3",
            "rv10",
            "rv20",
            "rv30",
            "rv40",
            "qtrle",
            "gif",
        ),
        *("apng", "png", "cfhd", "wrapped_avframe"),
    )
)
"""Video decoders that people's videos need."""

PROTOCOLS = "file"

_NEAREST_SPACE = {10: 9, 8: 2, **dict.fromkeys(range(11, 19), 2)}
"""For colour matrices (ISO/IEC 23091-2, 8.3) that the scaler doesn't know, the one to take: BT.2020
with constant luminance is taken as that without, the rest as if nothing was said."""

Matrix = tuple[int, int, int, int]
"""a, b, c, d of a display matrix, which takes a source pixel (x, y) to (a x + c y, b x + d y)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Caps that keep a hostile or broken file from taking the machine.

    Attributes:
        pixels: Width times height.
        seconds: From the first frame to the last one's end.
        frames: Packets of the video stream.
        streams: Streams in the container.
    """

    pixels: int = 40_000_000
    seconds: int = 4 * 3600
    frames: int = 2_000_000
    streams: int = 64

    def check_duration(self, timeline: Timeline) -> None:
        """Refuse a timeline that is too long.

        Raises:
            VideoError: It is (`too-large`).
        """
        if timeline.times and timeline.duration > self.seconds:
            raise VideoError(
                "too-large",
                f"lasts {timeline.duration:.0f} s by its timestamps, the limit is {self.seconds}",
            )


_LONGEST = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeOptions:
    """How a video is decoded.

    Attributes:
        check_full: Decode every picture strictly, also those that no wanted frame depends on.
        salvage: Take what comes before the first sign of damage, instead of refusing the video;
            `decode_av` only.
        demuxers: Names of more containers to allow.
        decoders: Names of more video decoders to allow.
        timeout: Seconds that decoding one video may take, by the clock.
        limits: Caps.

    Raises:
        UsageError: A value makes no sense.
    """

    check_full: bool = False
    salvage: bool = False
    timeout: float = 300.0
    demuxers: tuple[str, ...] = ()
    decoders: tuple[str, ...] = ()
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= _LONGEST:
            raise UsageError(
                f"--timeout must be above 0 and at most {_LONGEST:,} seconds, got {self.timeout}"
            )

    @property
    def format_whitelist(self) -> str:
        """The value of libavformat's option of that name."""
        return ",".join([DEMUXERS, *self.demuxers])

    def check_decoder(self, name: str) -> None:
        """Refuse a decoder that is not allowed.

        Raises:
            VideoError: It isn't (`unsupported`).
        """
        if name not in DECODERS and name not in self.decoders:
            raise VideoError(
                "unsupported",
                f"its codec {name} is not among those allowed; --allow-decoder {name} allows it",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What is known of a video once it has been read.

    Attributes:
        timeline: Of all its frames.
        decoding: `planned` where only what the wanted frames need was decoded; `from-start` where
            that was everything up to the last of them, but for B-frames that none needs, since
            the packets have no pts; else `full`.
        damage: What is wrong with a video of which only the sound part was taken, else None.
    """

    timeline: Timeline
    decoding: str
    damage: VideoError | None = None


class FrameSink(Protocol):
    """Takes the frames that a decoder hands out."""

    def choose(self, timeline: Timeline) -> Collection[int]:
        """Start anew and say which frames of the timeline are wanted.

        A decoder may ask again when it finds that the timeline is not what the packets promised;
        everything taken before is void then.
        """

    def take(self, frame: int, rgb: RGB) -> None:
        """Take a wanted frame, by its number in the timeline; they come in rising order."""


ReadVideo = Callable[[VideoFile, FrameSink, DecodeOptions], Decoded]
"""A decoder. Raises VideoError for a file that can't be used."""


class RgbConverter:
    """Turns decoded pictures into RGB arrays of one size, upright.

    Both decoders use it on the decoder's own pixels, so that they give the same bytes: how ffmpeg's
    scale filter converts depends on its version and flags. Chroma is taken from the nearest sample,
    since anything smoother depends on fields that only one of the decoders knows.
    """

    def __init__(self) -> None:
        self._reformatter = _kept_reformatter()
        self._size: tuple[int, int] | None = None

    def fix_size(self, picture: VideoFrame) -> None:
        """Take the first picture's size, whether or not it is wanted."""
        self._size = self._size or (picture.width, picture.height)

    def convert(self, picture: VideoFrame, *, matrix: Matrix | None) -> RGB:
        """Convert a picture.

        Args:
            picture: As decoded.
            matrix: a, b, c, d of the container's display matrix, None for upright.

        Returns:
            An array of its own; pictures of another size are scaled to the first one's.
        """
        if picture.interlaced_frame or (
            picture.height % 2 and picture.format.name.startswith("yuv")
        ):
            picture = _unmarked(picture)
        if picture.colorspace in _NEAREST_SPACE:
            picture.colorspace = _NEAREST_SPACE[picture.colorspace]
        self.fix_size(picture)
        assert self._size is not None
        same_size = self._size == (picture.width, picture.height)
        converted = self._reformatter.reformat(
            picture,
            width=self._size[0],
            height=self._size[1],
            format="rgb24",
            interpolation=Interpolation.POINT if same_size else Interpolation.BILINEAR,
            threads=1,
        )
        if converted is picture:
            # the decoder's own memory, which may be upside down
            return upright(cast(RGB, converted.to_ndarray()), matrix)
        plane, (width, height) = converted.planes[0], self._size
        rgb: RGB = np.ndarray(
            (height, width, 3), np.uint8, cast(bytes, plane), strides=(plane.line_size, 3, 1)
        )
        return upright(rgb, matrix)


@cache
def _kept_reformatter() -> VideoReformatter:
    """One for all videos of the process: making its tables takes as long as ten conversions."""
    return VideoReformatter()


def _unmarked(picture: VideoFrame) -> VideoFrame:
    """A copy without some marks, which what comes from an ffmpeg process doesn't have.

    With that of interlacing, chroma would be taken by field; where it lies in relation to luma
    counts where the number of rows is odd.
    """
    copy = VideoFrame(picture.width, picture.height, picture.format.name)
    for source, target in zip(picture.planes, copy.planes, strict=True):
        rows_from = _rows(source)
        rows_to = _rows(target)
        rows = min(len(rows_from), len(rows_to))
        width = min(source.line_size, target.line_size)
        rows_to[:rows, :width] = rows_from[:rows, :width]
    copy.colorspace = picture.colorspace
    copy.color_range = picture.color_range
    return copy


def _rows(plane: VideoPlane) -> RGB:
    """A plane's own memory, uint8 (rows, bytes of a row)."""
    return np.frombuffer(cast(bytes, plane), np.uint8).reshape(-1, plane.line_size)


def upright(rgb: RGB, matrix: Matrix | None) -> RGB:
    """Turn and mirror by the display matrix, to the nearest multiple of 90 degrees.

    y points down (libavutil/display.h).
    """
    if matrix is None:
        return rgb
    a, b, c, d = matrix
    if abs(a) + abs(d) < abs(b) + abs(c):
        rgb, across, down = rgb.swapaxes(0, 1), c, b
    else:
        across, down = a, d
    if across < 0:
        rgb = rgb[:, ::-1]
    if down < 0:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def rotation_matrix(degrees: float) -> Matrix | None:
    """The display matrix of a counterclockwise rotation by a multiple of 90 degrees."""
    turns: dict[int, Any] = {1: (0, -1, 1, 0), 2: (-1, 0, 0, -1), 3: (0, 1, -1, 0)}
    return turns.get(round(degrees / 90) % 4)
