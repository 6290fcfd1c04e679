"""Reads videos in threads beside the net: their frames at the run's rate, in order, encoded.

What is read ahead is bounded in bytes, however long a video is. Videos in stores are
copied to this machine while they are read, as many at a time as there are threads.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.machine import usable_cores
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import FrameKeeper
from lrcn_data.sampling.frame_pairs import FramePairs, pair_of
from lrcn_data.video.decoders import read_frames
from lrcn_data.video.fetched_video import fetched_video
from lrcn_data.video.fps_stream import FpsStream
from lrcn_data.video.timeline import Timeline
from lrcn_data.video.video_file import open_video
from lrcn_model.predicting.clip_plan import VideoPlan
from lrcn_model.predicting.stored_frames import StoredFrame

_MOST_BYTES = 4 << 20
"""How much of a video is read ahead of the net."""

_MOST_READERS = 8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Begun:
    """A video is read from its start; what was read of it before doesn't count.

    Attributes:
        plan: What is scored of it.
        seconds_F: When each frame of its fps stream is shown, float64 (frames,), from the first
            frame on.
        duration: How long it is in seconds.
    """

    plan: VideoPlan
    seconds_F: npt.NDArray[np.float64]
    duration: float


@dataclass(frozen=True, slots=True)
class Read:
    """The next frame that the plan wants, which may be several in a row of the fps stream.

    Attributes:
        frame: The frame as shards would hold it.
        times: The number of frames of the fps stream that it is.
    """

    frame: StoredFrame
    times: int


@dataclass(frozen=True, slots=True)
class Ended:
    """All that is wanted of a video has been read, or an error was met.

    Attributes:
        error: What is wrong with the video; None where nothing is. Any other error is raised.
    """

    error: Exception | None = None


Event: TypeAlias = Begun | Read | Ended


class _ClosedError(LrcnError):
    """Nobody wants any more of a video."""


class Channel:
    """Takes what a thread reads of a video, and has it wait while the reader is too far ahead."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, event: Event) -> None:
        """Add an event once there is room.

        Raises:
            _ClosedError: The channel has been closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._bytes < _MOST_BYTES)
            if self._closed:
                raise _ClosedError
            self._events.append(event)
            self._bytes += _size(event)
            self._changed.notify_all()

    def check(self) -> None:
        """See that somebody still wants the video.

        Raises:
            _ClosedError: The channel has been closed.
        """
        if self._closed:
            raise _ClosedError

    def get(self) -> Event:
        """Wait for the next event, and take it."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._events))
            event = self._events.popleft()
            self._bytes -= _size(event)
            self._changed.notify_all()
            return event

    @property
    def waits(self) -> bool:
        """Whether `get` would have to wait."""
        return not self._events

    def close(self) -> None:
        """End whoever is adding events."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _size(event: Event) -> int:
    return len(event.frame.encoded) if isinstance(event, Read) else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoReading:
    """How videos are read for a net.

    Attributes:
        options: The frame rate, and how videos are decoded.
        plan: Says, given the number of frames of a video's fps stream, what is scored of it.
        keeper: Encodes the frames; several threads may call it at once.
    """

    options: ClipOptions
    plan: Callable[[int], VideoPlan]
    keeper: FrameKeeper[StoredFrame]

    def read(
        self, path: str, put: Callable[[Event], None], check: Callable[[], None] = lambda: None
    ) -> None:
        """Read a video, from its beginning to the last frame that is wanted.

        Args:
            path: The path or URL of the file, or the path of the folder of pictures.
            put: Takes what is read.
            check: Called now and then while a file is copied from a store; an error that it raises
                ends that.

        Raises:
            _ClosedError: Nobody wants any more of it.
        """
        try:
            with (
                fetched_video(path, on_piece=check) as on_disk,
                open_video(on_disk) as file,
            ):
                sink = _FrameStream(self, put)
                read_frames(file, sink, self.options.decode, decoder=self.options.decoder)
        except _ClosedError:
            raise
        except OSError as error:
            detail = f"it can't be read ({error.strerror or error}); look at the disk it is on"
            put(Ended(VideoError(Reason.MISSING, detail)))
        except Exception as error:
            put(Ended(error))
        else:
            put(Ended())


class _FrameStream:
    """The sink of a decoder: hands on the wanted frames of the fps stream as they come."""

    def __init__(self, reading: VideoReading, put: Callable[[Event], None]) -> None:
        self._reading = reading
        self._put = put
        self._keeper = reading.keeper
        self._pairs = FramePairs({})

    def choose(self, timeline: Timeline) -> Collection[int]:
        stream = FpsStream(timeline, self._reading.options.fps)
        plan = self._reading.plan(len(stream))
        numbers = list(stream)
        seconds = (round(timeline.seconds(number), 6) for number in numbers)
        seconds_F = np.fromiter(seconds, np.float64, len(numbers))
        self._put(Begun(plan=plan, seconds_F=seconds_F, duration=timeline.duration))
        # in order, so that pairs are complete in that of the fps stream
        neighbour, frames = self._keeper.neighbour, len(timeline.times)
        self._pairs = FramePairs(
            Counter(
                pair_of(numbers, position, neighbour, frames) for position in wanted_positions(plan)
            )
        )
        return self._pairs.frames

    def take(self, frame: int, rgb: RGB) -> None:
        for pair, pixels, other, times in self._pairs.complete(frame, rgb):
            neighbour = other if self._keeper.neighbour else None
            self._put(Read(self._keeper.keep(pixels, pair[0], neighbour, times), times))


def wanted_positions(plan: VideoPlan) -> list[int]:
    """The positions in the fps stream of all frames that are scored, ascending."""
    return sorted({position for clip in plan.clips for position in clip.positions})


@contextmanager
def read_ahead(
    reading: VideoReading, paths: Iterable[str]
) -> Iterator[Iterator[tuple[str, Channel]]]:
    """Read videos ahead, as many at a time as there are cores; the threads end with the context.

    Args:
        reading: How they are read.
        paths: Their paths, which are asked for as they are needed.

    Yields:
        Each path in order, with the channel by which its events come.
    """
    readers = min(usable_cores(), _MOST_READERS)
    channels: deque[tuple[str, Channel]] = deque()
    left = iter(paths)

    def start_next() -> None:
        for path in left:
            channel = Channel()
            channels.append((path, channel))
            threads.submit(_read, reading, path, channel)
            return

    def all_videos() -> Iterator[tuple[str, Channel]]:
        # one more than are read at a time, so that no thread waits for the net
        for _ in range(readers + 1):
            start_next()
        while channels:
            yield channels[0]
            channels.popleft()
            start_next()

    with ThreadPoolExecutor(readers, thread_name_prefix="lrcn-read") as threads:
        try:
            yield all_videos()
        finally:
            for _, channel in channels:
                channel.close()


def _read(reading: VideoReading, path: str, channel: Channel) -> None:
    try:
        reading.read(path, channel.put, channel.check)
    except _ClosedError:
        return
