"""The packets of a video stream through PyAV: looked at first, then handed out again to decode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from typing import Any, TypeAlias, cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import PROTOCOLS
from lrcn_data.video.avi_file import PICTURE_START, AviFile, IndexedPictures
from lrcn_data.video.clock_jumps import Clock, may_jump, put_right
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.packet_plan import Group, PacketTable, suspicion
from lrcn_data.video.timeline import nearest, ticks_a_frame
from lrcn_data.video.video_file import VideoFile

VideoPacket: TypeAlias = "av.Packet[VideoStream]"

Messages: TypeAlias = list[tuple[int, str, str]]
"""What libav logged: level, source, text."""

FAILURES = (av.FFmpegError, EOFError, ValueError, IndexError)
"""What PyAV raises for a file that libav can't read."""

_GENERATE_PTS = 0x1
"""AVFMT_FLAG_GENPTS. PyAV sets it; made-up pts come out of order in XviD clips with B-frames."""

_KEPT_BYTES = 2 << 20
"""Bytes of packets to keep between looking at them and decoding; of more, what is needed is read a
second time, which costs less than freeing the memory of a film's."""

_NO_TIMES = 0x80
"""AVFMT_NOTIMESTAMPS: a bare stream of pictures, whose times libavformat makes up."""

_CLOCK_JUMPS = 0x200
"""AVFMT_TS_DISCONT: what was recorded or joined so may count anew on the way."""

_WRAPS_AT = {"mpegts": 33, "mpeg": 33, "flv": 32, "asf": 32}
"""Bits of the times in containers whose clocks wrap (pts_wrap_bits)."""

_ATTACHED_PICTURE = 0x400
_DEFAULT = 0x1

_EXACT_KEYFRAMES = frozenset(
    ("mpeg4", "h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores")
)
"""Codecs whose marked keyframes give exact pictures from their own time on."""


@dataclass(frozen=True, slots=True)
class VideoSource:
    """A file to open, and what an AVI says of itself; None for others."""

    file: VideoFile
    avi: AviFile | None


@contextmanager
def open_container(source: VideoSource, options: DecodeOptions) -> Iterator[InputContainer]:
    """Open a file as one of the containers that are allowed.

    Raises:
        VideoError: It is none of them (`not-a-video`).
    """
    settings = {
        "protocol_whitelist": PROTOCOLS,
        "format_whitelist": options.format_whitelist,
        "err_detect": "explode",
    }
    # asking every demuxer is dear for a short clip
    known = "avi" if source.avi else None
    try:
        container = av.open(
            source.file.url, format=known, container_options=settings, metadata_errors="replace"
        )
    except FAILURES as error:
        said = error.strerror if isinstance(error, av.FFmpegError) else error
        detail = f"no container that is allowed opens it ({said})"
        raise VideoError(Reason.NOT_A_VIDEO, detail) from error
    with container:
        container.flags &= ~_GENERATE_PTS
        yield container


def choose_stream(container: InputContainer) -> VideoStream:
    """The stream that ffmpeg's command line would take: the default one, then the largest.

    Raises:
        VideoError: There is none (`not-a-video`), or none that can be decoded (`unsupported`).
    """
    streams = container.streams.video
    known = [stream for stream in streams if cast(Any, stream.codec_context) is not None]
    if not known and streams:
        raise VideoError(Reason.UNSUPPORTED, "no decoder knows the codec of its video stream")
    if not known:
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise VideoError(Reason.NOT_A_VIDEO, f"it has no video stream (streams: {kinds})")
    # asking for a lone one's score takes longer than all else here
    return max(known, key=_score) if len(known) > 1 else known[0]


def _score(stream: VideoStream) -> int:
    disposition = int(stream.disposition)
    if disposition & _ATTACHED_PICTURE:
        return 1
    return stream.codec_context.width * stream.codec_context.height + 5_000_000 * bool(
        disposition & _DEFAULT
    )


class StreamPackets:
    """The packets of a container's video stream, all of which are known before any is decoded.

    Args:
        source: The file.
        container: It, opened and not read from yet.
        stream: The video stream.
        options: How to decode.
        messages: Where libav's messages are collected; those of seeking are taken out.

    Attributes:
        table: What the packets say.
        time_base: Seconds a tick.

    Raises:
        VideoError: The stream has no time base (`damaged`), or too many packets (`too-large`).
        FAILURES: libav can't read the file to its end.
    """

    def __init__(
        self,
        source: VideoSource,
        container: InputContainer,
        stream: VideoStream,
        options: DecodeOptions,
        messages: Messages,
    ) -> None:
        time_base = stream.time_base
        if time_base is None:
            raise VideoError(Reason.DAMAGED, "the video stream has no time base")
        self._source = source
        self._container = container
        self._stream = stream
        self._options = options
        self._messages = messages
        self._codec = stream.codec_context
        self._kept: list[VideoPacket] | None = []
        self._indexed: IndexedPictures | None = None
        self.time_base = time_base
        self.table = PacketTable()
        self._look()

    def all(self) -> Iterator[VideoPacket]:
        """All packets of the stream once more, with times that were put right."""
        if self._indexed:
            return self._read_indexed(self._indexed, 0, len(self.table))
        packets = self._read_again() if self._kept is None else iter(self._kept)
        if not self.table.jumps:
            return packets
        return map(_with_times, packets, self.table.pts, self.table.dts)

    def group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group once more."""
        if self._indexed:
            return self._read_indexed(self._indexed, group.start, group.stop)
        if self._kept is not None:
            return iter(self._kept[group.start : group.stop])
        packets = self._seek(group.start) or islice(self._read_again(), group.start, None)
        return islice(packets, group.stop - group.start)

    def suspicion(self) -> str | None:
        """A reason to decode everything strictly, or None."""
        stream, container = self._stream, self._container
        end = None
        if stream.duration is not None:
            end = (stream.start_time or 0) + stream.duration
        elif container.duration is not None:
            end = self._ticks((container.start_time or 0) + container.duration)
        return suspicion(
            self.table,
            header_frames=stream.frames,
            header_end=end,
            second=max(1, round(1 / self.time_base)),
        )

    @property
    def start(self) -> int:
        """What becomes 0, in ticks."""
        return self._ticks(self._start_time)

    def _look(self) -> None:
        """Fill the table, from an AVI's index where the first packet bears that out."""
        packets = self._container.demux(self._stream)
        first = next(packets)
        pictures = self._source.avi and self._source.avi.pictures
        if pictures and self._bears_out(first, pictures):
            self._indexed = pictures
            self._take_index(pictures, first.duration or 0)
        else:
            self._read(chain((first,), packets))
            self._put_times_right()

    def _bears_out(self, first: VideoPacket, pictures: IndexedPictures) -> bool:
        """Whether libavformat's first packet is the picture that the index has first, at time 0.

        Without B-frames and jumps the times of the others follow.
        """
        stream = (self._stream.index, self._codec.name, self._codec.has_b_frames)
        same = (first.pts, first.dts, first.size) == (0, 0, pictures.sizes[0])
        jumps = may_jump((0, len(pictures.sizes)), self.time_base)
        streams = self._container.streams
        heard = not pictures.sound or (len(streams) > 1 and streams[1].type == "audio")
        return same and stream == (0, "mpeg4", False) and heard and not jumps

    def _take_index(self, pictures: IndexedPictures, duration: int) -> None:
        count, table = len(pictures.sizes), self.table
        self._check_count(count)
        table.pts, table.dts = list(range(count)), list(range(count))
        table.durations = [duration] * count
        table.sizes, table.entries = pictures.sizes, pictures.intra

    def _read(self, packets: Iterator[VideoPacket]) -> None:
        """Look at all packets of the stream; keep them as long as they are few."""
        # a film has a million packets: one plain loop over local names
        table = self.table
        pts, dts, durations, sizes = table.pts, table.dts, table.durations, table.sizes
        kept = self._kept
        kept_bytes = 0
        limit = self._options.limits.frames
        is_mpeg4 = self._codec.name == "mpeg4"
        for number, packet in enumerate(packets):
            size, decoded_at = packet.size, packet.dts
            if not size and decoded_at is None:
                continue  # added by PyAV, to flush the decoder
            pts.append(packet.pts)
            dts.append(decoded_at)
            durations.append(packet.duration or 0)
            sizes.append(size)
            if packet.is_keyframe:
                if number == 0 or self._is_entry(packet):
                    table.entries.append(number)
                for data in packet.iter_sidedata():
                    if data.data_type == "palette" or (
                        data.data_type == "new_extradata" and number
                    ):
                        table.changes = True
            if packet.is_discard:
                table.hidden.add(number)
            if packet.is_corrupt:
                table.corrupt = True
            if is_mpeg4 and pts[0] is None:
                table.pictures.append(bytes(packet).count(PICTURE_START))
            if number >= limit:
                self._check_count(number + 1)
            if kept is not None:
                kept.append(packet)
                kept_bytes += size
                if kept_bytes > _KEPT_BYTES:
                    kept = None
        self._kept = kept
        table.untimed = bool(self._container.format.flags & _NO_TIMES)

    def _check_count(self, count: int) -> None:
        limit = self._options.limits.frames
        if count > limit:
            raise VideoError(Reason.TOO_LARGE, f"more than {limit} frames")

    def _put_times_right(self) -> None:
        table, wraps_at = self.table, _WRAPS_AT.get(self._container.format.name)
        jumps = bool(self._container.format.flags & _CLOCK_JUMPS)
        if not jumps and wraps_at is None and not may_jump(table.pts, self.time_base):
            return
        clock = Clock(
            time_base=self.time_base,
            container_start=self._container.start_time or 0,
            start=self.start,
            wraps_at=wraps_at,
            jumps=jumps,
            frame=ticks_a_frame(self._codec.framerate, self.time_base),
        )
        pts, dts = put_right(table.pts, table.dts, table.durations, clock)
        table.jumps = (pts, dts) != (table.pts, table.dts)
        table.pts, table.dts = pts, dts

    def _is_entry(self, packet: VideoPacket) -> bool:
        name = self._codec.name
        if name == "h264":
            return _has_idr(memoryview(cast(bytes, packet)), self._codec.extradata)
        return name in _EXACT_KEYFRAMES or name.removeprefix("lib").startswith(("vpx", "dav1d"))

    def _read_indexed(
        self, pictures: IndexedPictures, start: int, stop: int
    ) -> Iterator[VideoPacket]:
        """The packets of these numbers, from where the index has them."""
        read, duration = self._source.file.read, self.table.durations[0]
        where = zip(pictures.places[start:stop], pictures.sizes[start:stop], strict=True)
        for number, (place, size) in enumerate(where, start):
            data = read(place, size)
            if len(data) < size:
                raise VideoError(Reason.DAMAGED, "the file became shorter while it was read")
            # one made of the data itself would lack the padding that decoders read beyond its end
            packet: Any = av.Packet(size)
            memoryview(packet)[:] = data
            packet.pts = packet.dts = number
            packet.duration = duration
            yield packet

    def _seek(self, number: int) -> Iterator[VideoPacket] | None:
        """The packets from a number on, where the container's index leads there, else None."""
        before = len(self._messages)
        # some containers count by pts; by dts all get there, some by a detour
        packets = self._sought(number, self.table.pts) or self._sought(number, self.table.dts)
        # what is said on the way is of other packets, or of an index that leads nowhere
        del self._messages[before:]
        return packets

    def _sought(self, number: int, column: Sequence[int | None]) -> Iterator[VideoPacket] | None:
        table, time = self.table, column[number]
        if time is None:
            return None
        try:
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError:
            return None
        found = (table.pts[number], table.dts[number], table.sizes[number])
        packets = _without_flush(self._container, self._stream)
        for packet in packets:
            if (packet.pts, packet.dts, packet.size) == found:
                return chain((packet,), packets)
            if packet.dts is not None and packet.dts > time:
                break
        return None

    def _read_again(self) -> Iterator[VideoPacket]:
        with open_container(self._source, self._options) as again:
            stream = again.streams[self._stream.index]
            assert isinstance(stream, VideoStream)
            yield from _without_flush(again, stream)

    @property
    def _start_time(self) -> int:
        """What becomes 0, in microseconds: ffmpeg counts from the first of the streams it uses.

        But only where clocks may jump; else from the first of all (correct_input_start_times in
        fftools).
        """
        own = self._stream.start_time
        if self._container.format.flags & _CLOCK_JUMPS and own is not None:
            return nearest(own * self.time_base * av.time_base)
        return self._container.start_time or 0

    def _ticks(self, microseconds: int) -> int:
        # most files start at 0, and a Fraction takes long
        return nearest(Fraction(microseconds, av.time_base) / self.time_base) if microseconds else 0


def _with_times(packet: VideoPacket, pts: int | None, dts: int | None) -> VideoPacket:
    packet.pts, packet.dts = pts, dts
    return packet


def _without_flush(container: InputContainer, stream: VideoStream) -> Iterator[VideoPacket]:
    """The packets of a stream without the empty one that PyAV adds to flush the decoder."""
    return (packet for packet in container.demux(stream) if packet.size or packet.dts is not None)


def _has_idr(data: memoryview, extradata: bytes | None) -> bool:
    """Whether an H.264 packet has an IDR slice, which nothing after it looks back across."""
    if extradata and extradata[0] == 1:
        size = (extradata[4] & 3) + 1
        position = 0
        while position + size < len(data):
            if data[position + size] & 31 == 5:
                return True
            position += size + int.from_bytes(data[position : position + size], "big")
        return False
    stream = bytes(data)
    position = stream.find(b"\0\0\1")
    while 0 <= position < len(stream) - 3:
        if stream[position + 3] & 31 == 5:
            return True
        position = stream.find(b"\0\0\1", position + 3)
    return False
