"""What a decoder is told and what it gives back: options, wanted frames, the video's timeline.

A decoder reads one video: it finds out when each frame is shown, asks which frames are wanted, and
hands those over as RGB arrays. The table of all decoders is in `decoders`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import ALLOWED_DECODERS, ALLOWED_DEMUXERS
from lrcn_data.video.limits import Limits
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import VideoFile

LONGEST = 1_000_000
"""The largest number of seconds that `--timeout` may be."""

_HIGHEST_RATE = 100_000
"""The largest number of pictures a second that `--picture-rate` may be."""

_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodeOptions:
    """How a video is decoded.

    Attributes:
        check_full: Whether every picture is decoded strictly, also those that no wanted frame
            depends on.
        salvage: Whether frames before the first sign of damage are taken, or those from the first
            keyframe on, instead of refusing the video; not every decoder can do that.
        demuxers: The names of libavformat's demuxers, for containers to allow beside the usual
            ones.
        decoders: The names of libavcodec's decoders to allow beside the usual ones.
        picture_rate: The number of pictures a second of a folder of pictures; None where there is
            no such folder.
        timeout: The number of seconds of wall time that decoding one video may take.
        limits: How large a video may be.

    Raises:
        UsageError: The timeout or the rate of pictures is out of its range.
    """

    check_full: bool = False
    salvage: bool = False
    picture_rate: Fraction | None = None
    timeout: float = 300.0
    demuxers: tuple[str, ...] = ()
    decoders: tuple[str, ...] = ()
    limits: Limits = _LIMITS

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= LONGEST:
            raise UsageError(
                f"--timeout must be above 0 and at most {LONGEST:,} seconds, got {self.timeout}"
            )

        if self.picture_rate is not None and not 0 < self.picture_rate <= _HIGHEST_RATE:
            raise UsageError(
                f"--picture-rate must be above 0 and at most {_HIGHEST_RATE:,}, got"
                f" {self.picture_rate}"
            )

    @property
    def format_whitelist(self) -> str:
        """The value of libavformat's option `format_whitelist`."""
        return ",".join([*ALLOWED_DEMUXERS, *self.demuxers])

    def check_decoder(self, name: str) -> None:
        """Refuse a decoder that is not allowed.

        Args:
            name: The decoder's name in libavcodec.

        Raises:
            VideoError: The decoder isn't allowed (`unsupported`).
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
        timeline: The timeline of all its frames.
        decoding: How much was decoded. `planned`: only what the wanted frames need. `from-start`:
            since the packets have no pts, everything up to the last wanted frame, but for B-frames
            that none needs. `full`: everything.
        damage: What is wrong with a video of which only the sound part was taken; None for others.
    """

    timeline: Timeline
    decoding: str
    damage: VideoError | None = None


class FrameSink(Protocol):
    """Decides which frames of a video are wanted, and takes them as the decoder gives them."""

    def choose(self, timeline: Timeline) -> Collection[int]:
        """Say which frames of a timeline are wanted, and forget all frames taken before.

        A decoder may ask again if it finds that the timeline is not what the packets promised;
        frames that were taken before don't count then.

        Args:
            timeline: The timeline of the whole video.

        Returns:
            The numbers of the wanted frames in the timeline, counted from 0.
        """

    def take(self, frame: int, rgb: RGB) -> None:
        """Take a wanted frame; frames come in rising order.

        Args:
            frame: The number of the frame in the timeline, counted from 0.
            rgb: The frame's pixels, uint8 (height, width, 3).
        """


ReadVideo = Callable[[VideoFile, FrameSink, DecodeOptions], Decoded]
"""Reads a video's wanted frames into the sink; raises VideoError for a file that can't be used."""
