"""Decodes in process with PyAV: all packets first, then only what the wanted frames need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
import av.logging
from av.codec.context import Flags as CodecFlags
from av.container import InputContainer
from av.video.stream import VideoStream

from lrcn_data.clock_jumps import Clock, may_jump, put_right
from lrcn_data.container_size import refuse_cut_file, refuse_lost_pictures
from lrcn_data.errors import VideoError
from lrcn_data.packet_plan import (
    Delayed,
    Group,
    PacketTable,
    Prediction,
    can_plan,
    delayed_frames,
    delayed_stamps,
    plan_groups,
    predict,
    suspicion,
)
from lrcn_data.timeline import (
    FrameStamp,
    Timeline,
    build_timeline,
    nearest,
    rising_timeline,
    ticks_a_frame,
)
from lrcn_data.video import (
    PROTOCOLS,
    Decoded,
    DecodeOptions,
    FrameSink,
    Matrix,
    RgbConverter,
    input_url,
)

VideoPacket: TypeAlias = "av.Packet[VideoStream]"

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

_SKIPS_UNREFERENCED = frozenset(("mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc"))
"""Decoders that can leave out a picture to which no other refers without losing count."""

_PICTURE_START = b"\0\0\1\xb6"
"""vop_start_code of ISO/IEC 14496-2, 6.3.5: an MPEG-4 picture begins."""

_FIRST = 8
"""Packets of which all pictures are decoded, to see whether they come with those that are expected:
decoders drop B-frames at the start of a stream that was cut."""

_PICTURE_A_PACKET = frozenset(
    ("mpeg4", "h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg", "prores")
)
"""Codecs without packets that show nothing, where all packets have times of their own."""


_FAILURES = (av.FFmpegError, EOFError, ValueError, IndexError)
"""What PyAV raises for a file that libav can't read."""


class _TimelineChanged(Exception):
    """The decoder gave other frames than the packets promised."""


Messages: TypeAlias = list[tuple[int, str, str]]
"""What libav logged: level, source, text."""


def read_video(path: Path, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read a video's wanted frames; see `video.ReadVideo`.

    Args:
        path: The file.
        sink: Says which frames are wanted, and takes them.
        options: How to decode.

    Raises:
        VideoError: The file can't be used, with the reason.
    """
    input_url(path)
    refuse_lost_pictures(path)  # no part of such a file shows where it stops being sound
    try:
        refuse_cut_file(path)
        with _logged() as messages, _open(path, options) as container:
            return _AvVideo(path, container, sink, options, messages).read()
    except VideoError as damage:
        if not options.salvage or damage.reason != "damaged":
            raise
        try:
            with _logged() as messages, _open(path, options) as container:
                sound = _AvVideo(path, container, sink, options, messages).read_sound_part()
                return replace(sound, damage=damage)
        except VideoError:
            raise damage from None


@contextmanager
def _logged() -> Iterator[Messages]:
    """Collect libav's error messages."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture() as messages:
            yield messages
    finally:
        av.logging.set_level(before)


@contextmanager
def _open(path: Path, options: DecodeOptions) -> Iterator[InputContainer]:
    url = input_url(path)
    settings = {
        "protocol_whitelist": PROTOCOLS,
        "format_whitelist": options.format_whitelist,
        "err_detect": "explode",
    }
    try:
        container = av.open(url, options=settings, metadata_errors="replace")
    except _FAILURES as error:
        said = error.strerror if isinstance(error, av.FFmpegError) else error
        detail = f"no container that is allowed opens it ({said})"
        raise VideoError("not-a-video", detail) from error
    with container:
        container.flags &= ~_GENERATE_PTS
        yield container


class _AvVideo:
    def __init__(
        self,
        path: Path,
        container: InputContainer,
        sink: FrameSink,
        options: DecodeOptions,
        messages: Messages,
    ) -> None:
        self._path = path
        self._container = container
        self._messages = messages
        self._count = 0
        self._sink = sink
        self._options = options
        self._stream = _choose_stream(container)
        self._codec = self._stream.codec_context
        self._size = (self._codec.width, self._codec.height)
        self._codec.thread_type = "NONE"
        self._codec.thread_count = 1
        # a picture is cut to what the stream says, also where that leaves its memory unaligned
        self._codec.flags |= CodecFlags.unaligned
        limits = options.limits
        self._codec.options = {"err_detect": "explode", "max_pixels": str(limits.pixels)}
        if self._codec.width * self._codec.height > limits.pixels:
            size = f"{self._codec.width}x{self._codec.height}"
            raise VideoError("too-large", f"{size} pixels, the limit is {limits.pixels}")
        options.check_decoder(self._codec.name)
        if len(container.streams) > limits.streams:
            raise VideoError("too-large", f"{len(container.streams)} streams")

    def read(self) -> Decoded:
        """Read strictly: any error, and any error message, refuses the video."""
        try:
            decoded = self._read()
        except _FAILURES as error:
            said = error.strerror if isinstance(error, av.FFmpegError) else str(error)
            raise self._damage(str(said)) from error
        if self._messages:
            raise self._damage("")
        return decoded

    def _damage(self, said: str) -> VideoError:
        parts = [said] if said else []
        if self._messages:
            _, name, text = self._messages[0]
            parts.append(f"the decoder says: {name}: {text.strip()}")
        return VideoError("damaged", "; ".join([*parts, f"{self._count} frames decoded before"]))

    def _read(self) -> Decoded:
        self._read_packets()
        if not len(self._table):
            raise self._damage("its video stream has no packets")
        prediction = predict(self._table, self._codec.name)
        if not self._options.check_full and not self._why_suspicious():
            try:
                if prediction and can_plan(
                    self._table, prediction, reorders=bool(self._codec.has_b_frames)
                ):
                    return self._read_planned(prediction)
                if delayed := delayed_frames(self._table):
                    return self._read_from_start(delayed)
            except _TimelineChanged:
                self._codec.skip_frame = "DEFAULT"
                self._codec.flush_buffers()
        return self._read_full(prediction)

    def read_sound_part(self) -> Decoded:
        """Take frames from before the first sign of damage; two passes.

        Raises:
            VideoError: There is no such part.
        """
        try:
            self._read_packets()
        except _FAILURES as error:
            raise self._damage(str(error)) from error
        timeline = self._timeline(self._decode_all(set(), until_damage=True))
        if not timeline.times:
            raise self._damage("no frame comes before the damage")
        self._decode_anew(set(self._sink.choose(timeline)), until_damage=True)
        return Decoded(timeline=timeline, decoding="full")

    def _read_packets(self) -> None:
        """Look at all packets of the stream; keep them as long as they are few."""
        self._table = table = PacketTable()
        # a film has a million packets: one plain loop over local names
        pts, dts, durations, sizes = table.pts, table.dts, table.durations, table.sizes
        kept: list[VideoPacket] | None = []
        kept_bytes = 0
        limit = self._options.limits.frames
        is_mpeg4 = self._codec.name == "mpeg4"
        for number, packet in enumerate(self._container.demux(self._stream)):
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
                if number and packet.has_sidedata("new_extradata"):
                    table.changes = True
                if packet.has_sidedata("palette"):
                    table.changes = True
            if packet.is_discard:
                table.hidden.add(number)
            if packet.is_corrupt:
                table.corrupt = True
            if is_mpeg4 and pts[0] is None:
                table.pictures.append(bytes(packet).count(_PICTURE_START))
            if number >= limit:
                raise VideoError("too-large", f"more than {limit} frames")
            if kept is not None:
                kept.append(packet)
                kept_bytes += size
                if kept_bytes > _KEPT_BYTES:
                    kept = None
        self._kept = kept
        table.untimed = bool(self._container.format.flags & _NO_TIMES)
        self._put_times_right()

    def _put_times_right(self) -> None:
        table, wraps_at = self._table, _WRAPS_AT.get(self._container.format.name)
        jumps = bool(self._container.format.flags & _CLOCK_JUMPS)
        if not jumps and wraps_at is None and not may_jump(table.pts, self._time_base):
            return
        clock = Clock(
            time_base=self._time_base,
            container_start=self._container.start_time or 0,
            start=self._start_time,
            wraps_at=wraps_at,
            jumps=jumps,
            frame=ticks_a_frame(self._codec.framerate, self._time_base),
        )
        pts, dts = put_right(table.pts, table.dts, table.durations, clock)
        table.jumps = (pts, dts) != (table.pts, table.dts)
        table.pts, table.dts = pts, dts

    def _demux(self) -> Iterator[VideoPacket]:
        """All packets of the stream once more, with times that were put right."""
        packets = self._demux_again() if self._kept is None else iter(self._kept)
        if not self._table.jumps:
            return packets
        return map(_with_times, packets, self._table.pts, self._table.dts)

    def _demux_group(self, group: Group) -> Iterator[VideoPacket]:
        """The packets of a group once more."""
        if self._kept is not None:
            return iter(self._kept[group.start : group.stop])
        packets = self._seek(group.start) or islice(self._demux_again(), group.start, None)
        return islice(packets, group.stop - group.start)

    def _seek(self, number: int) -> Iterator[VideoPacket] | None:
        """The packets from a number on, where the container's index leads there, else None."""
        before = len(self._messages)
        packets = self._sought(number)
        # what is said on the way is of other packets, or of an index that leads nowhere
        del self._messages[before:]
        return packets

    def _sought(self, number: int) -> Iterator[VideoPacket] | None:
        table = self._table
        found = (table.pts[number], table.dts[number], table.sizes[number])
        time = found[0] if found[1] is None else found[1]
        assert time is not None
        try:
            self._container.seek(time, stream=self._stream)
        except av.FFmpegError:
            return None
        packets = _packets(self._container, self._stream)
        for packet in packets:
            if (packet.pts, packet.dts, packet.size) == found:
                return chain((packet,), packets)
            if packet.dts is not None and packet.dts > time:
                break
        return None

    def _demux_again(self) -> Iterator[VideoPacket]:
        with _open(self._path, self._options) as again:
            stream = again.streams[self._stream.index]
            assert isinstance(stream, VideoStream)
            yield from _packets(again, stream)

    def _is_entry(self, packet: VideoPacket) -> bool:
        name = self._codec.name
        if name == "h264":
            return _has_idr(memoryview(cast(bytes, packet)), self._codec.extradata)
        return name in _EXACT_KEYFRAMES or name.removeprefix("lib").startswith(("vpx", "dav1d"))

    def _why_suspicious(self) -> str | None:
        stream = self._stream
        end = None
        if stream.duration is not None:
            end = (stream.start_time or 0) + stream.duration
        elif self._container.duration is not None:
            start = self._container.start_time or 0
            end = self._ticks(start + self._container.duration)
        return suspicion(
            self._table,
            header_frames=stream.frames,
            header_end=end,
            second=max(1, round(1 / self._time_base)),
        )

    @property
    def _time_base(self) -> Fraction:
        base = self._stream.time_base
        if base is None:
            raise VideoError("damaged", "the video stream has no time base")
        return base

    def _ticks(self, microseconds: int) -> int:
        return nearest(Fraction(microseconds, av.time_base) / self._time_base)

    @property
    def _start_time(self) -> int:
        """What becomes 0, in microseconds: ffmpeg counts from the first of the streams it uses.

        But only where clocks may jump; else from the first of all (correct_input_start_times in
        fftools).
        """
        own = self._stream.start_time
        if self._container.format.flags & _CLOCK_JUMPS and own is not None:
            return nearest(own * self._time_base * av.time_base)
        return self._container.start_time or 0

    @property
    def _start(self) -> int:
        return self._ticks(self._start_time)

    def _promised(self, prediction: Prediction) -> Timeline:
        timeline = rising_timeline(
            prediction.pts,
            prediction.last_duration,
            time_base=self._time_base,
            frame_rate=self._codec.framerate,
            average_rate=self._stream.guessed_rate,
            start=self._start,
        )
        self._options.limits.check_duration(timeline)
        return timeline

    def _timeline(self, stamps: list[FrameStamp]) -> Timeline:
        if self._table.untimed:
            usual = ticks_a_frame(self._codec.framerate, self._time_base)
            stamps = [
                FrameStamp(pts=None, dts=None, duration=usual or stamp.duration) for stamp in stamps
            ]
        timeline = build_timeline(
            stamps,
            time_base=self._time_base,
            frame_rate=self._codec.framerate,
            average_rate=self._stream.guessed_rate,
            start=self._start,
        )
        self._options.limits.check_duration(timeline)
        return timeline

    def _read_planned(self, prediction: Prediction) -> Decoded:
        """Decode only the groups of pictures that lead to wanted frames."""
        timeline = self._promised(prediction)
        wanted = sorted(set(self._sink.choose(timeline)))
        converter = RgbConverter()
        left = {prediction.pts[frame]: frame for frame in wanted}
        wanted_packets = {prediction.packets[frame] for frame in wanted}
        for group in plan_groups(self._table, prediction, wanted):
            last = None
            for picture in self._decode_group(group, wanted_packets):
                if picture.pts is None or (last is not None and picture.pts <= last):
                    raise _TimelineChanged
                last = picture.pts
                if last in left:
                    self._take_planned(left.pop(last), picture, converter)
        if left:
            raise _TimelineChanged
        return Decoded(timeline=timeline, decoding="planned")

    def _decode_group(self, group: Group, wanted_packets: set[int]) -> Iterator[av.VideoFrame]:
        packets = self._demux_group(group)
        self._codec.flush_buffers()
        first = self._table.pts[group.start]
        may_skip = self._codec.name in _SKIPS_UNREFERENCED
        skipping = None
        for number, packet in enumerate(packets, group.start):
            pts = packet.pts
            if pts is not None and first is not None and pts < first:
                continue  # shown before the entry point, so it may need what was not decoded
            if may_skip and skipping != (number not in wanted_packets):
                skipping = number not in wanted_packets
                self._codec.skip_frame = "NONREF" if skipping else "DEFAULT"
            yield from self._checked(self._codec.decode(packet))
        self._codec.skip_frame = "DEFAULT"
        yield from self._checked(self._codec.decode(None))

    def _read_from_start(self, delayed: Delayed) -> Decoded:
        """Decode up to the last wanted frame, without B-frames that nobody wants."""
        stamps = delayed_stamps(self._table, delayed.packets)
        timeline = self._timeline(stamps)
        wanted = sorted(set(self._sink.choose(timeline)))
        needed = delayed.needed(wanted)
        converter = RgbConverter()
        left = iter(wanted)
        following = next(left, None)
        comes_with = set(delayed.packets)
        for number, packet in enumerate(chain(self._demux(), (None,))):
            if following is None:
                break
            first = number < _FIRST
            self._codec.skip_frame = "DEFAULT" if first or number in needed else "NONREF"
            pictures = list(self._checked(self._codec.decode(packet)))
            if first and len(pictures) != (number in comes_with):
                raise _TimelineChanged
            if number != delayed.packets[following]:
                continue
            if len(pictures) != 1 or _stamp(pictures[0]) != stamps[following]:
                raise _TimelineChanged
            self._take_planned(following, pictures[0], converter)
            following = next(left, None)
        self._codec.skip_frame = "DEFAULT"
        return Decoded(timeline=timeline, decoding="from-start")

    def _checked(self, pictures: list[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for picture in pictures:
            if picture.is_corrupt:
                raise self._damage("the decoder marks a frame as damaged")
            self._count += 1
            yield picture

    def _read_full(self, prediction: Prediction | None) -> Decoded:
        """Decode everything, strictly; once if the packets' promise holds, else twice."""
        if prediction:
            promised = self._promised(prediction)
        else:
            late = range(1, len(self._table) + 1)
            promised = self._timeline(delayed_stamps(self._table, late))
        wanted = set(self._sink.choose(promised))
        timeline = self._timeline(self._decode_all(wanted))
        if prediction and self._codec.name in _PICTURE_A_PACKET:
            self._refuse_fewer(len(timeline.times), len(prediction.pts))
        if (promised.times, promised.end) != (timeline.times, timeline.end):
            if not timeline.times:
                raise VideoError("damaged", f"no frame comes out of {len(self._table)} packets")
            self._decode_anew(set(self._sink.choose(timeline)))
        return Decoded(timeline=timeline, decoding="full")

    def _decode_anew(self, wanted: set[int], *, until_damage: bool = False) -> None:
        """Decode everything a second time, by a decoder that knows nothing of the end."""
        with _open(self._path, self._options) as container:
            video = _AvVideo(self._path, container, self._sink, self._options, self._messages)
            video._read_packets()
            video._decode_all(wanted, until_damage=until_damage)

    def _refuse_fewer(self, pictures: int, packets: int) -> None:
        """Refuse a stream with packets that give no picture: decoders skip what they can't name."""
        if pictures < packets:
            raise VideoError("damaged", f"{packets} packets give only {pictures} frames")

    def _decode_all(self, wanted: set[int], *, until_damage: bool = False) -> list[FrameStamp]:
        stamps: list[FrameStamp] = []
        converter = RgbConverter()
        before = len(self._messages)
        for packet in chain(self._demux(), (None,)):
            try:
                pictures = list(self._checked(self._codec.decode(packet)))
            except (*_FAILURES, VideoError):
                if until_damage:
                    return stamps
                raise
            if until_damage and len(self._messages) > before:
                return stamps
            for picture in pictures:
                converter.fix_size(picture)
                if len(stamps) in wanted:
                    self._take(len(stamps), picture, converter)
                stamps.append(_stamp(picture))
        return stamps

    def _take_planned(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        if (picture.width, picture.height) != self._size:
            raise _TimelineChanged  # the first picture's size counts, which may be another
        self._take(frame, picture, converter)

    def _take(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        self._sink.take(frame, converter.convert(picture, matrix=_display_matrix(picture)))


def _stamp(picture: av.VideoFrame) -> FrameStamp:
    return FrameStamp(pts=picture.pts, dts=picture.dts, duration=picture.duration or 0)


def _with_times(packet: VideoPacket, pts: int | None, dts: int | None) -> VideoPacket:
    packet.pts, packet.dts = pts, dts
    return packet


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[VideoPacket]:
    """The packets of a stream without the empty one that PyAV adds to flush the decoder."""
    return (packet for packet in container.demux(stream) if packet.size or packet.dts is not None)


def _choose_stream(container: InputContainer) -> VideoStream:
    """The stream that ffmpeg's command line would take: the default one, then the largest."""
    best: tuple[int, VideoStream] | None = None
    unknown = 0
    for stream in container.streams.video:
        if cast(Any, stream.codec_context) is None:
            unknown += 1
            continue
        disposition = int(stream.disposition)
        score = stream.codec_context.width * stream.codec_context.height
        score += 5_000_000 * bool(disposition & _DEFAULT)
        if disposition & _ATTACHED_PICTURE:
            score = 1
        if best is None or score > best[0]:
            best = score, stream
    if best is None and unknown:
        raise VideoError("unsupported", "no decoder knows the codec of its video stream")
    if best is None:
        kinds = ", ".join(stream.type for stream in container.streams) or "none"
        raise VideoError("not-a-video", f"it has no video stream (streams: {kinds})")
    return best[1]


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


def _display_matrix(picture: av.VideoFrame) -> Matrix | None:
    data: Any = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = memoryview(bytes(data)).cast("i")[:5]
    return None if (a > 0 and d > 0 and b == c == 0) else (a, b, c, d)
