"""Segments of a video: from frames' probabilities, as they come, to what lasts.

Each frame first has a state: the class that it shows, or none. Without thresholds that is the most
probable class. With them a class begins at a frame where it is the most probable one and reaches
`enter`, and goes on as long as it reaches `leave` and no other begins (hysteresis). Where classes
are independent of each other each has a state of its own, on or off.

Then what is shorter than `min_length` belongs to what came before it, or at a video's beginning to
what follows: a state is taken over only once it has lasted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import UsageError

Probabilities = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_NONE = -1

_ENTER_ALONE = 0.5
"""Where classes are independent of each other, a class is more probable than not from here on."""


_ROUNDING = 1e-6
"""To how many seconds the times of frames are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A stretch of a video in which it shows a class.

    Attributes:
        start: When it starts, in seconds after the video's first frame.
        end: When it ends, in seconds: when the first frame behind it is shown, or the video ends.
        label: The number of the class.
        name: The name of the class.
        score: The mean of the class's probability over its frames, from 0 to 1, as the net itself
            says it.
    """

    start: float
    end: float
    label: int
    name: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentOptions:
    """How frames become segments.

    Attributes:
        min_length: The seconds that a segment lasts at least.
        enter: The probability from 0 to 1 at which a class begins; None for that of the most
            probable class, whatever it is, or for 0.5 where classes are independent of each other.
        leave: The probability below which it ends; None for that at which it begins.

    Raises:
        UsageError: A value is out of range.
    """

    min_length: float = 0.0
    enter: float | None = None
    leave: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.min_length < float("inf"):
            raise UsageError(f"--min-length must be at least 0 seconds, got {self.min_length}")
        if self.enter is not None and not 0 <= self.enter <= 1:
            raise UsageError(f"--enter must be from 0 to 1, got {self.enter}")
        if self.leave is None:
            return
        if self.enter is None:
            raise UsageError(f"--leave {self.leave} is below --enter; give that as well")
        if not 0 <= self.leave <= self.enter:
            raise UsageError(f"--leave must be from 0 to --enter {self.enter}, got {self.leave}")


class Segmenter:
    """Makes segments of the frames of one video.

    Args:
        classes: The class names, by class number.
        options: How frames become segments.
        independent: Whether a frame may show several classes, each with a probability of its own.

    Attributes:
        names: The class names, by class number.
    """

    def __init__(
        self, classes: Sequence[str], options: SegmentOptions, *, independent: bool = False
    ) -> None:
        self.names = classes
        self._options = options
        self._independent = independent
        enter = options.enter
        if enter is None:
            enter = _ENTER_ALONE if independent else 0.0
        self._enter = enter
        self._leave = enter if options.leave is None else options.leave
        self._on = np.zeros(len(classes), bool)
        self._state = _NONE
        tracks = len(classes) if independent else 1
        self._tracks = [_Track(options.min_length, len(classes)) for _ in range(tracks)]

    def add(self, start: float, end: float, probs_C: Probabilities) -> list[Segment]:
        """Take the next frame; one that doesn't follow the last one ends all segments.

        Args:
            start: When it is shown, in seconds.
            end: When the next one is.
            probs_C: The probability of each class, (classes,).

        Returns:
            The segments that are known to have ended, in the order of their ends.
        """
        found = []
        if self._tracks[0].end not in (None, start):
            found = self.finish()
        for track, state in zip(self._tracks, self._states(probs_C), strict=True):
            found += self._named(track.add(start, end, state, probs_C))
        return found

    def finish(self) -> list[Segment]:
        """End the video; the segments that had not ended before."""
        self._on[:] = False
        self._state = _NONE
        return [segment for track in self._tracks for segment in self._named(track.finish())]

    def _states(self, probs_C: Probabilities) -> Sequence[int]:
        if self._independent:
            self._on = np.where(self._on, probs_C >= self._leave, probs_C >= self._enter)
            states: list[int] = np.where(self._on, np.arange(len(probs_C)), _NONE).tolist()
            return states
        best = int(probs_C.argmax())
        if probs_C[best] >= self._enter:
            self._state = best
        elif self._state != _NONE and probs_C[self._state] < self._leave:
            self._state = _NONE
        return [self._state]

    def _named(self, ended: Iterator[_Stretch]) -> list[Segment]:
        return [
            Segment(
                start=stretch.start,
                end=stretch.end,
                label=stretch.state,
                name=self.names[stretch.state],
                score=float(stretch.sums_C[stretch.state] / stretch.frames),
            )
            for stretch in ended
            if stretch.state != _NONE
        ]


@dataclass(slots=True)
class _Stretch:
    """Frames in a row of one state."""

    state: int
    start: float
    end: float
    frames: int
    sums_C: npt.NDArray[np.float64]

    def take(self, other: _Stretch) -> None:
        """Take over the frames of another stretch, before or after this one."""
        self.start, self.end = min(self.start, other.start), max(self.end, other.end)
        self.frames += other.frames
        self.sums_C += other.sums_C


class _Track:
    """Follows one state: what of it lasts, and what is too short."""

    def __init__(self, min_length: float, classes: int) -> None:
        self._min_length = min_length
        self._classes = classes
        self._lasting: _Stretch | None = None
        self._short: _Stretch | None = None
        self._running: _Stretch | None = None

    @property
    def end(self) -> float | None:
        """When the last frame ends; None before the first one."""
        return None if self._running is None else self._running.end

    def add(
        self, start: float, end: float, state: int, probs_C: Probabilities
    ) -> Iterator[_Stretch]:
        frame = _Stretch(state, start, end, 1, np.array(probs_C, np.float64))
        running = self._running
        if running is not None and running.state == state:
            running.take(frame)
        else:
            yield from self._settle()
            self._running = frame

    def finish(self) -> Iterator[_Stretch]:
        yield from self._settle()
        if self._lasting is not None:
            yield self._lasting
        self._lasting = self._short = self._running = None

    def _settle(self) -> Iterator[_Stretch]:
        """Decide what the running stretch belongs to, as it has ended."""
        ended = self._running
        if ended is None:
            return
        lasting = self._lasting
        lasts = ended.end - ended.start > self._min_length - _ROUNDING
        if lasting is not None and (not lasts or lasting.state == ended.state):
            lasting.take(ended)
        elif not lasts:
            # of a beginning: it belongs to what follows, if that lasts
            if self._short is None:
                self._short = ended
            else:
                self._short.take(ended)
        else:
            if lasting is not None:
                yield lasting
            if self._short is not None:
                ended.take(self._short)
                self._short = None
            self._lasting = ended
