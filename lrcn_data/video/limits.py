"""Limits that keep a hostile or broken file from taking up the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.timeline import Timeline

DEFAULT_HOURS = 4
"""The number of hours that a video may last, unless another limit is given."""

_DEFAULT_FRAMES = 2_000_000
"""The number of frames that a video may have in those hours."""

_MOST_HOURS = 1000
"""The largest number of hours that can be given. Packets of so long a video fill the memory."""


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
    seconds: int = DEFAULT_HOURS * 3600
    frames: int = _DEFAULT_FRAMES
    streams: int = 64

    @classmethod
    def of_hours(cls, hours: float) -> Self:
        """The limits for videos that may last so many hours.

        As many frames a second are allowed as by default, but never fewer frames.

        Raises:
            UsageError: The number of hours is out of its range.
        """
        if not 0 < hours <= _MOST_HOURS:
            raise UsageError(
                f"--max-hours must be above 0 and at most {_MOST_HOURS}, got {hours:g}"
            )
        frames = round(_DEFAULT_FRAMES * max(1, hours / DEFAULT_HOURS))
        return cls(seconds=round(hours * 3600), frames=frames)

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
                f"lasts {timeline.duration:.0f} s by its timestamps, the limit is {self.seconds};"
                " --max-hours sets it",
            )
