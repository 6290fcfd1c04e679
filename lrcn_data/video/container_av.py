"""Opens a container through PyAV, chooses its video stream, and asks what its header says.

Nothing is read from the stream here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, cast

import av
from av.container import InputContainer
from av.stream import Discard
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import PROTOCOLS
from lrcn_data.video.avi_file import AviFile
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.libav_messages import Messages
from lrcn_data.video.mp4_file import unfinished_mp4
from lrcn_data.video.timeline import nearest
from lrcn_data.video.video_file import VideoFile

VideoPacket: TypeAlias = "av.Packet[VideoStream]"

FAILURES = (av.FFmpegError, EOFError, ValueError, IndexError)
"""The errors that PyAV raises for a file that libav can't read."""

GENERATE_PTS = 0x1
"""AVFMT_FLAG_GENPTS. PyAV sets it; made-up pts come out of order in XviD clips with B-frames."""

_NO_TIMES = 0x80
"""AVFMT_NOTIMESTAMPS: a bare stream of pictures, whose times libavformat makes up."""

_CLOCK_JUMPS = 0x200
"""AVFMT_TS_DISCONT: in such containers, recorded or joined streams may start counting again."""

_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
"""The name of libavformat's demuxer for MP4 and MOV."""

_ATTACHED_PICTURE = 0x400
_DEFAULT = 0x1


@dataclass(frozen=True, slots=True)
class VideoSource:
    """A file to open.

    Attributes:
        file: The file.
        avi: What an AVI says of itself; None for other files.
    """

    file: VideoFile
    avi: AviFile | None


@contextmanager
def open_container(source: VideoSource, options: DecodeOptions) -> Iterator[InputContainer]:
    """Open a file as one of the containers that are allowed.

    Raises:
        VideoError: The file is none of them (`not-a-video`).
    """
    settings = {
        "protocol_whitelist": PROTOCOLS,
        "format_whitelist": options.format_whitelist,
        "err_detect": "explode",
    }
    # for a short clip, asking every demuxer would take much of the time
    known = "avi" if source.avi else None
    try:
        container = av.open(
            source.file.url, format=known, container_options=settings, metadata_errors="replace"
        )
    except FAILURES as error:
        detail = (
            unfinished_mp4(source.file)
            or f"no container that is allowed opens it ({what_is_said(error)})"
        )
        raise VideoError(Reason.NOT_A_VIDEO, detail) from error
    with container:
        container.flags &= ~GENERATE_PTS
        yield container


def what_is_said(error: Exception) -> str:
    """What one of `FAILURES` says, without the file's name."""
    said = error.strerror if isinstance(error, av.FFmpegError) else error
    return str(said)


def choose_stream(container: InputContainer) -> VideoStream:
    """Choose the stream that ffmpeg's command line would: the default one, or else the largest.

    Raises:
        VideoError: There is no video stream (`not-a-video`), or none that can be decoded
            (`unsupported`).
    """
    streams = container.streams.video
    known = [stream for stream in streams if cast(Any, stream.codec_context) is not None]
    if not known and streams:
        raise VideoError(Reason.UNSUPPORTED, "no decoder knows the codec of its video stream")
    if not known:
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise VideoError(Reason.NOT_A_VIDEO, f"it has no video stream (streams: {kinds})")
    # a lone one isn't scored, which would take longer than all else here
    return max(known, key=_score) if len(known) > 1 else known[0]


def read_only(stream: VideoStream) -> None:
    """Leave out an MP4's other streams, as ffmpeg's command line does.

    Where one of their samples lies behind the file's end, libavformat would take it for the end of
    all streams.
    """
    container = stream.container
    if container.format.name == _MP4:
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all


def _score(stream: VideoStream) -> int:
    disposition = int(stream.disposition)
    if disposition & _ATTACHED_PICTURE:
        return 1
    return stream.codec_context.width * stream.codec_context.height + 5_000_000 * bool(
        disposition & _DEFAULT
    )


class ContainerStream:
    """The video stream of a container that is open.

    Args:
        container: The container, opened but not read from yet.
        options: How the video is decoded.
        messages: The list in which libav's messages are collected.

    Attributes:
        container: The open container.
        options: How the video is decoded.
        messages: What libav has said so far.
        stream: The chosen video stream.
        codec: The stream's decoder.

    Raises:
        VideoError: There is no stream that can be decoded (`not-a-video`, `unsupported`).
    """

    def __init__(
        self, container: InputContainer, options: DecodeOptions, messages: Messages
    ) -> None:
        self.container = container
        self.options = options
        self.messages = messages
        self.stream = choose_stream(container)
        read_only(self.stream)
        self.codec: VideoCodecContext = self.stream.codec_context

    @property
    def time_base(self) -> Fraction:
        """The length of a tick in seconds.

        Raises:
            VideoError: The stream has none (`damaged`).
        """
        time_base = self.stream.time_base
        if time_base is None:
            raise VideoError(Reason.DAMAGED, "the video stream has no time base")
        return time_base

    @property
    def start(self) -> int:
        """The time in ticks that counts as 0, which is where ffmpeg counts from.

        Where clocks may jump, that is the start of the first stream that is used; elsewhere, of the
        first of all streams (correct_input_start_times in fftools).
        """
        own = self.stream.start_time
        if self.clock_jumps and own is not None:
            return self.ticks(nearest(own * self.time_base * av.time_base))
        return self.ticks(self.container.start_time or 0)

    @property
    def header_end(self) -> int | None:
        """The time in ticks at which the stream ends by the header; None if that doesn't say."""
        if self.stream.duration is not None:
            return (self.stream.start_time or 0) + self.stream.duration
        if self.container.duration is not None:
            return self.ticks((self.container.start_time or 0) + self.container.duration)
        return None

    @property
    def clock_jumps(self) -> bool:
        """Whether times in containers of this kind may start again or jump on the way."""
        return bool(self.container.format.flags & _CLOCK_JUMPS)

    @property
    def is_untimed(self) -> bool:
        """Whether containers of this kind have no times, so that those of packets are made up."""
        return bool(self.container.format.flags & _NO_TIMES)

    def demux(self) -> Iterator[VideoPacket]:
        """Read the stream's packets from the container's current position, and an empty one last.

        PyAV adds the empty one to flush the decoder.
        """
        return self.container.demux(self.stream)

    def ticks(self, microseconds: int) -> int:
        """Convert microseconds to ticks."""
        # most files start at 0, and a Fraction takes long
        return nearest(Fraction(microseconds, av.time_base) / self.time_base) if microseconds else 0


class OpenStream(ContainerStream):
    """The video stream of a file that is open; see `ContainerStream`.

    Args:
        source: The file that is open.
        container: The file's container, opened but not read from yet.
        options: How the video is decoded.
        messages: The list in which libav's messages are collected.

    Attributes:
        source: The file that is open.
    """

    def __init__(
        self,
        source: VideoSource,
        container: InputContainer,
        options: DecodeOptions,
        messages: Messages,
    ) -> None:
        super().__init__(container, options, messages)
        self.source = source


def is_flush(packet: VideoPacket) -> bool:
    """Whether a packet is the empty one that PyAV adds to flush the decoder."""
    return not packet.size and packet.dts is None
