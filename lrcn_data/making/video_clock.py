"""How long a worker has been at a video; a pure function of the times at which it is asked."""

from __future__ import annotations

from dataclasses import dataclass

_LOOK = 1.0
"""The most seconds between two looks at a worker that is at a video."""

_GRACE = 1.0
"""Seconds beyond its limit after which a video is overdue. A decoder that keeps to the limit itself
has this long to report that the limit was reached."""


@dataclass(slots=True)
class VideoClock:
    """Measures how long a worker has been at a video, but for time in which this process stopped.

    `look` has to be called once a second at least.

    Attributes:
        limit: The number of seconds that one video may take.
        looked: The time of the last look, in seconds of a clock that never goes back.
        position: The position of the video in the shard, counted from 0; None between two videos.
        since: The time at which the worker began with the video, in seconds of the same clock; it
            is moved on by the time that this process was stopped.
    """

    limit: float
    looked: float
    position: int | None = None
    since: float = 0.0

    def begin(self, position: int, now: float) -> None:
        """Note that the worker begins with a video.

        Args:
            position: The position of the video in the shard, counted from 0.
            now: The time, in seconds of the clock.
        """
        self.position, self.since = position, now

    def end(self) -> None:
        """Note that the worker has ended with its video."""
        self.position = None

    def look(self, now: float) -> None:
        """Note the time; a pause of this process, as by Ctrl-Z, doesn't count for the video."""
        pause = now - self.looked - _LOOK
        self.looked = now
        if pause > _GRACE:
            self.since += pause

    def overdue(self, now: float) -> bool:
        """Whether the video has taken too long."""
        return self.position is not None and now >= self.since + self.limit + _GRACE
