"""A video that is open in PyAV, as the three ways of decoding it see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import av

from lrcn_data.video.container_av import OpenStream, VideoSource, open_container
from lrcn_data.video.decoding import DecodeOptions, FrameSink
from lrcn_data.video.libav_messages import Messages
from lrcn_data.video.packets.packet_plan import Prediction
from lrcn_data.video.packets.stream_packets import StreamPackets
from lrcn_data.video.picture_decoder import PictureDecoder
from lrcn_data.video.picture_matrix import matrix_of
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import (
    FrameStamp,
    Timeline,
    build_timeline,
    rising_timeline,
    ticks_a_frame,
    untimed,
)


class TimelineChanged(Exception):
    """The decoder has given other frames than the packets promised."""


class AvVideo:
    """An open video: its packets, its decoder, and the sink that takes its frames.

    Args:
        opened: The open stream.
        sink: Decides which frames are wanted, and takes them.

    Attributes:
        opened: The open stream.
        sink: Decides which frames are wanted, and takes them.
        decoder: The decoder of the stream.

    Raises:
        VideoError: The codec isn't allowed (`unsupported`), or its pictures are too large or there
            are too many streams (`too-large`).
    """

    def __init__(self, opened: OpenStream, sink: FrameSink) -> None:
        self.opened = opened
        self.sink = sink
        self.decoder = PictureDecoder(opened)
        opened.options.limits.check_streams(len(opened.container.streams))

    @cached_property
    def packets(self) -> StreamPackets:
        """All packets of the stream, which are looked at when they are first asked for.

        Raises:
            VideoError: The stream can't be used.
            FAILURES: libav can't read the file to its end.
        """
        return StreamPackets(self.opened)

    @contextmanager
    def opened_again(self) -> Iterator[AvVideo]:
        """Open the same video again, to decode it from its start with a fresh decoder."""
        with open_video_av(
            self.opened.source, self.sink, self.opened.options, self.opened.messages
        ) as again:
            yield again

    def promised(self, prediction: Prediction) -> Timeline:
        """Build the timeline that the packets promise.

        Args:
            prediction: The frames that the packets promise.

        Raises:
            VideoError: The timeline is too long (`too-large`).
        """
        timeline = rising_timeline(
            prediction.pts,
            prediction.last_duration,
            time_base=self.packets.time_base,
            frame_rate=self.opened.codec.framerate,
            average_rate=self.opened.stream.guessed_rate,
            start=self.packets.start,
        )
        self.opened.options.limits.check_duration(timeline)
        return timeline

    def timeline(self, stamps: list[FrameStamp]) -> Timeline:
        """Build the timeline of decoded frames.

        Args:
            stamps: What the decoder says of each frame's time.

        Raises:
            VideoError: The timeline is too long (`too-large`).
        """
        time_base, frame_rate = self.packets.time_base, self.opened.codec.framerate
        if self.packets.table.untimed:
            usual = ticks_a_frame(frame_rate, time_base)
            stamps = [untimed(stamp, usual) for stamp in stamps]
        timeline = build_timeline(
            stamps,
            time_base=time_base,
            frame_rate=frame_rate,
            average_rate=self.opened.stream.guessed_rate,
            start=self.packets.start,
        )
        self.opened.options.limits.check_duration(timeline)
        return timeline

    def take(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        """Convert a wanted frame and hand it to the sink.

        Args:
            frame: The number of the frame in the timeline.
            picture: The decoded frame.
            converter: Converts all frames of the video.
        """
        self.sink.take(frame, converter.convert(picture, matrix=matrix_of(picture)))

    def take_planned(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        """Hand over a wanted frame before which others may have been left out; see `take`.

        Raises:
            TimelineChanged: The frame has another size than the header states.
        """
        if (picture.width, picture.height) != self.decoder.size:
            raise TimelineChanged  # the first picture's size counts, which may be another
        self.take(frame, picture, converter)


@contextmanager
def open_video_av(
    source: VideoSource, sink: FrameSink, options: DecodeOptions, messages: Messages
) -> Iterator[AvVideo]:
    """Open a video to decode it.

    Args:
        source: The file to open.
        sink: Decides which frames are wanted, and takes them.
        options: How the video is decoded.
        messages: The list in which libav's messages are collected.

    Raises:
        VideoError: The file can't be used, with the reason.
    """
    with open_container(source, options) as container:
        yield AvVideo(OpenStream(source, container, options, messages), sink)
