"""What a decoder is told and what it gives back: options, wanted frames, the video's timeline.

A decoder reads one video: it finds out when each frame is shown, asks which frames are wanted, and
hands those over as RGB arrays. Which decoders there are stands in `decoders`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import ALLOWED_DECODERS, ALLOWED_DEMUXERS
from lrcn_data.video.limits import Limits
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import VideoFile

_LONGEST = 1_000_000
"""Seconds that `--timeout` may be at most."""

_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeOptions:
    """How a video is decoded.

    Attributes:
        check_full: Decode every picture strictly, also those that no wanted frame depends on.
        salvage: Take what comes before the first sign of damage, instead of refusing the video;
            not every decoder can.
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
    limits: Limits = _LIMITS

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= _LONGEST:
            raise UsageError(
                f"--timeout must be above 0 and at most {_LONGEST:,} seconds, got {self.timeout}"
            )

    @property
    def format_whitelist(self) -> str:
        """The value of libavformat's option of that name."""
        return ",".join([*ALLOWED_DEMUXERS, *self.demuxers])

    def check_decoder(self, name: str) -> None:
        """Refuse a decoder that is not allowed.

        Raises:
            VideoError: It isn't (`unsupported`).
        """
        if name not in ALLOWED_DECODERS and name not in self.decoders:
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
