"""What both decoders have in common: limits, allow-lists, the reading protocol, and RGB.

A decoder reads one video: it finds out when each frame is shown, asks which frames are wanted, and
hands those over as RGB arrays. `decode_av` does it in process, `decode_ffmpeg` in ffmpeg processes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import VideoFile

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
                Reason.TOO_LARGE,
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
                Reason.UNSUPPORTED,
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
