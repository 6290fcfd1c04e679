"""How long a worker has been at a video; a pure function of the times at which it is asked."""

from __future__ import annotations

from dataclasses import dataclass

_LOOK = 1.0
"""Seconds between two looks at a worker that is at a video."""

_GRACE = 1.0
"""Seconds beyond its limit after which a video is overdue, so that a decoder that keeps to the
limit itself can still say so."""


@dataclass(slots=True)
class VideoClock:
    """Measures a worker's time at a video, but for that in which this process was stopped.

    It has to be looked at as often as `seconds_to_next_look` says.

    Attributes:
        limit: Seconds that a video may take.
        looked: When it was last looked at, in seconds of a clock that never goes back.
        place: Of the video in the shard; None between two videos.
        since: When the worker began with the video, in the same seconds.
    """

    limit: float
    looked: float
    place: int | None = None
    since: float = 0.0

    def begin(self, place: int, now: float) -> None:
        """The worker begins with a video."""
        self.place, self.since = place, now

    def end(self) -> None:
        """The worker has ended with its video."""
        self.place = None

    def look(self, now: float) -> None:
        """Take from the video's time a pause of this process, as by Ctrl-Z."""
        pause = now - self.looked - _LOOK
        self.looked = now
        if pause > _GRACE:
            self.since += pause

    def overdue(self, now: float) -> bool:
        """Whether the video has taken too long."""
        return self.place is not None and now >= self.since + self.limit + _GRACE

    def seconds_to_next_look(self, now: float) -> float | None:
        """None where the worker is at no video, and takes the time that it takes."""
        if self.place is None:
            return None
        left = self.since + self.limit + _GRACE - now
        return min(max(0.0, left), _LOOK)
