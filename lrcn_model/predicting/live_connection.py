"""One opening of a live source: a thread reads it, and the frames that wait for the net are few.

Where the net is slower than the source, the oldest waiting frames are dropped and counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from fractions import Fraction

from lrcn_data.errors import VideoError
from lrcn_data.sampling.clips import FrameKeeper
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.libav_messages import logged
from lrcn_data.video.live_frames import LiveFrames, ShownFrame
from lrcn_data.video.live_source import LiveSource, has_an_end, open_live
from lrcn_model.predicting.stored_frames import StoredFrame

MOST_WAITING = 8
"""The most frames that wait for the net. More would only be scored later still."""

_LONGEST_WAIT = 0.5
"""Seconds for which is waited without looking whether anybody still listens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveReading:
    """How live sources are read for a net.

    Attributes:
        fps: The frame rate at which frames are picked.
        keeper: Encodes the frames as shards would hold them.
        decode: What is allowed of the source.
        patience: The seconds after which a source that sends nothing is taken for lost.
    """

    fps: Fraction
    keeper: FrameKeeper[StoredFrame]
    decode: DecodeOptions
    patience: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WaitingFrame:
    """A frame that waits for the net.

    Attributes:
        stretch: How many times the source's clock was set anew before it.
        position: The first position that it has in the fps stream of its stretch.
        times: The number of positions in a row that it has.
        seconds: When it is shown, in seconds after the stretch's first frame.
        arrived: When it was there, by `time.monotonic`.
        stored: The frame as shards would hold it.
    """

    stretch: int
    position: int
    times: int
    seconds: float
    arrived: float
    stored: StoredFrame


class _ClosedError(Exception):
    """Nobody listens any more."""


class LiveConnection:
    """Reads a source in a thread of its own from now on, until it ends or is closed.

    A recording is read at its own speed: a frame is there when its time has come, counted from when
    the source was opened.

    Args:
        source: The source.
        reading: How it is read.

    Attributes:
        dropped: The number of frames of the fps stream that were dropped so far.
        has_end: Whether the source has said how long it is.
        error: Why it has ended; None where it has ended by itself, or hasn't.
    """

    def __init__(self, source: LiveSource, reading: LiveReading) -> None:
        self._source = source
        self._reading = reading
        self._waiting: deque[WaitingFrame] = deque()
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._frames: LiveFrames | None = None
        self._ended = False
        self._zero = self._moved = time.monotonic()
        self._stretch = 0
        self.dropped = 0
        self.has_end = not source.reopens
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="lrcn-live", daemon=True)
        self._thread.start()

    @property
    def damaged(self) -> int:
        """The number of packets and pictures that were left out so far, as they are damaged."""
        return self._frames.damaged if self._frames else 0

    @property
    def end(self) -> float | None:
        """When the last frame ends, in seconds after its stretch's first one; None if unknown."""
        return self._frames.end if self._frames else None

    @property
    def waiting(self) -> int:
        """The number of frames that wait for the net."""
        return len(self._waiting)

    @property
    def ended(self) -> bool:
        """Whether no more frames come."""
        with self._changed:
            return self._ended and not self._waiting

    @property
    def silence(self) -> float:
        """The seconds since something came of the source."""
        return time.monotonic() - self._moved

    def take(self) -> list[WaitingFrame]:
        """Take all frames that wait; wait for one if there is none, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, _LONGEST_WAIT)
            taken = list(self._waiting)
            self._waiting.clear()
            return taken

    def close(self) -> None:
        """Have the thread end; one that waits for bytes ends as soon as some come."""
        self._closed.set()
        self._thread.join(_LONGEST_WAIT)

    def _run(self) -> None:
        reading = self._reading
        try:
            with (
                logged() as messages,
                open_live(
                    self._source, reading.decode, messages, patience=reading.patience
                ) as opened,
            ):
                self.has_end = self.has_end or has_an_end(opened)
                self._frames = LiveFrames(opened, reading.fps, self._arrive)
                for shown in self._frames:
                    self._put(shown)
        except _ClosedError:
            pass
        except Exception as error:
            self.error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _arrive(self, stretch: int, seconds: float) -> float:
        """Wait until a picture is due; when that is."""
        if self._source.is_recording:
            if stretch != self._stretch:
                self._stretch, self._zero = stretch, time.monotonic() - seconds
            while (left := self._zero + seconds - time.monotonic()) > 0:
                self._moved = time.monotonic()
                if self._closed.wait(min(left, _LONGEST_WAIT)):
                    break
        if self._closed.is_set():
            raise _ClosedError
        self._moved = time.monotonic()
        return self._moved

    def _put(self, shown: ShownFrame) -> None:
        stored = self._reading.keeper.keep(shown.rgb, shown.number, None, shown.times)
        frame = WaitingFrame(
            stretch=shown.stretch,
            position=shown.position,
            times=shown.times,
            seconds=shown.seconds,
            arrived=shown.arrived,
            stored=stored,
        )
        with self._changed:
            if len(self._waiting) == MOST_WAITING:
                self.dropped += self._waiting.popleft().times
            self._waiting.append(frame)
            self._changed.notify_all()


def is_expected(error: Exception) -> bool:
    """Whether a source has ended with what sources end with, and not with a bug."""
    return isinstance(error, VideoError | OSError)
