"""Decodes a source while it goes on: each frame of the fps stream as soon as it is known.

No timeline is needed in advance. Of a source that is known as a whole, the frames are those that
`FpsStream` has of its timeline (`fps_stream.FpsTicks`), with the same times. Unlike there, pictures
that are damaged are left out and counted, as whoever watches can't have them sent again, and a
clock that jumps by more than a minute begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

from lrcn_data.errors import VideoError
from lrcn_data.pixels import RGB
from lrcn_data.reasons import Reason
from lrcn_data.video.clock_jumps import ClockRepair
from lrcn_data.video.container_av import (
    FAILURES,
    ContainerStream,
    VideoPacket,
    is_flush,
    what_is_said,
)
from lrcn_data.video.fps_stream import FpsTicks
from lrcn_data.video.packets.packet_times import clock_of, with_times
from lrcn_data.video.picture_decoder import PictureDecoder, stamp_of
from lrcn_data.video.picture_matrix import matrix_of
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import FrameTimes, ticks_a_frame, untimed

LONGEST_STEP = 60.0
"""Seconds between two frames from which on the source's clock is taken to have been set anew. Of a
broken time, an hour of the same frame would be scored else."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShownFrame:
    """A frame of the source, with all frames of the fps stream that show it.

    Attributes:
        number: Its number among all frames of the source, counted from 0.
        stretch: How many times the source's clock was set anew before it.
        position: The first position that it has in the fps stream of its stretch.
        times: The number of positions in a row that it has.
        seconds: When it is shown, in seconds after the stretch's first frame.
        arrived: What the caller has said when it was decoded.
        rgb: Its pixels, uint8 (height, width, 3).
    """

    number: int
    stretch: int
    position: int
    times: int
    seconds: float
    arrived: float
    rgb: RGB


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """The last picture that was decoded; the next one says how long it is shown."""

    number: int
    frame: av.VideoFrame
    seconds: float
    arrived: float


class LiveFrames:
    """The fps stream of an open source.

    Args:
        opened: The open source, which is not read from yet.
        fps: The number of frames per second of the fps stream.
        arrive: Called with the stretch and the time of each picture once it is decoded; it may wait
            until the picture is due, and returns what becomes `ShownFrame.arrived`.

    Attributes:
        damaged: The number of packets and pictures that were left out so far, as they are damaged.
        end: When the last frame of the last stretch ends, in seconds after its first one; None
            before the source has ended.

    Raises:
        VideoError: The codec isn't allowed (`unsupported`), its pictures are too large
            (`too-large`), or the stream has no time base (`damaged`).
    """

    def __init__(
        self, opened: ContainerStream, fps: Fraction, arrive: Callable[[int, float], float]
    ) -> None:
        self._opened = opened
        self._fps = fps
        self._arrive = arrive
        self._decoder = PictureDecoder(opened)
        self._time_base = opened.time_base
        self._repair = ClockRepair(clock_of(opened))
        self._usual = ticks_a_frame(opened.codec.framerate, self._time_base)
        self._converter = RgbConverter()
        self._times = FrameTimes(
            time_base=self._time_base,
            frame_rate=opened.codec.framerate,
            average_rate=opened.stream.guessed_rate,
            start=opened.start,
        )
        self._ticks = FpsTicks(self._time_base, fps)
        self._first = 0
        self._last: _Picture | None = None
        self._stretch = 0
        self._count = 0
        self.damaged = 0
        self.end: float | None = None

    def __iter__(self) -> Iterator[ShownFrame]:
        """Read the source to its end.

        Yields:
            Each frame once the next one is decoded, or the source has ended.

        Raises:
            VideoError: The source has broken off (`damaged`); all frames before were given.
        """
        broken: Exception | None = None
        packets = self._opened.demux()
        while True:
            try:
                packet = next(packets, None)
            except (*FAILURES, OSError) as error:
                packet, broken = None, error
            if packet is not None and is_flush(packet):
                continue
            for picture in self._decoded(packet):
                yield from self._take(picture)
            # libav says the same of every damaged packet, for as long as the source goes on
            self._opened.messages.clear()
            if packet is None:
                break
        if self._last is not None:
            self.end = self._seconds(self._times.end)
            yield from self._shown(self._ticks.until(self._times.end))
        if broken is not None:
            raise VideoError(Reason.DAMAGED, self._what_is_broken(broken))

    def _what_is_broken(self, error: Exception) -> str:
        said = what_is_said(error)
        if self._last is None and "mp4" in self._opened.container.format.name:
            return (
                f"no frame comes out of it ({said}); an MP4 that is piped must be fragmented, or"
                " have its index at the start"
            )
        return f"it has broken off ({said})"

    def _decoded(self, packet: VideoPacket | None) -> list[av.VideoFrame]:
        if packet is not None:
            times = self._repair.put_right(packet.pts, packet.dts, packet.duration or 0)
            packet = with_times(packet, *times)
        try:
            return self._decoder.decode(packet)
        except FAILURES:
            self.damaged += 1
        except VideoError as error:
            if error.reason != Reason.DAMAGED:
                raise
            self.damaged += 1
        return []

    def _take(self, frame: av.VideoFrame) -> Iterator[ShownFrame]:
        stamp = stamp_of(frame)
        if self._opened.is_untimed:
            stamp = untimed(stamp, self._usual)
        before = self._times.end
        time = self._times.add(stamp)
        if self._last is not None and abs(time - before) * self._time_base > LONGEST_STEP:
            yield from self._shown(self._ticks.until(before))
            self._stretch += 1
            self._last = None
        if self._last is None:
            self._first = time
            self._ticks = FpsTicks(self._time_base, self._fps)
        self._converter.fix_size(frame)
        yield from self._shown(self._ticks.until(time))
        seconds = self._seconds(time)
        self._last = _Picture(self._count, frame, seconds, self._arrive(self._stretch, seconds))
        self._count += 1

    def _seconds(self, time: int) -> float:
        # as `Timeline.seconds` has it
        ticks = time - self._first
        return ticks * self._time_base.numerator / self._time_base.denominator

    def _shown(self, times: int) -> Iterator[ShownFrame]:
        """The last picture, if the fps stream shows it."""
        last = self._last
        if last is None or not times:
            return
        yield ShownFrame(
            number=last.number,
            stretch=self._stretch,
            position=self._ticks.length - times,
            times=times,
            seconds=round(last.seconds, 6),
            arrived=last.arrived,
            rgb=self._converter.convert(last.frame, matrix=matrix_of(last.frame)),
        )
