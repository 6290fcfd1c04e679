"""Limits that keep a hostile or broken file from taking up the machine."""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.timeline import Timeline


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large a video may be.

    Attributes:
        pixels: The largest number of pixels of a frame, width times height.
        seconds: The longest time in seconds from the first frame to the end of the last one.
        frames: The largest number of frames, and of packets in the video stream.
        streams: The largest number of streams in the container.
    """

    pixels: int = 40_000_000
    seconds: int = 4 * 3600
    frames: int = 2_000_000
    streams: int = 64

    def check_size(self, width: int, height: int) -> None:
        """Refuse pictures that are too large.

        Raises:
            VideoError: The pictures are too large (`too-large`).
        """
        if width * height > self.pixels:
            raise VideoError(
                Reason.TOO_LARGE, f"{width}x{height} pixels, the limit is {self.pixels}"
            )

    def check_streams(self, streams: int) -> None:
        """Refuse a container with too many streams.

        Raises:
            VideoError: There are too many streams (`too-large`).
        """
        if streams > self.streams:
            raise VideoError(Reason.TOO_LARGE, f"{streams} streams")

    def check_frames(self, frames: int) -> None:
        """Refuse a stream with too many packets or frames.

        Raises:
            VideoError: There are too many of them (`too-large`).
        """
        if frames > self.frames:
            raise VideoError(Reason.TOO_LARGE, f"more than {self.frames} frames")

    def check_duration(self, timeline: Timeline) -> None:
        """Refuse a timeline that is too long.

        Raises:
            VideoError: The timeline is too long (`too-large`).
        """
        if timeline.times and timeline.duration > self.seconds:
            raise VideoError(
                Reason.TOO_LARGE,
                f"lasts {timeline.duration:.0f} s by its timestamps, the limit is {self.seconds}",
            )
