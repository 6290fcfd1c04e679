"""Decodes in process with PyAV: all packets first, then only what the wanted frames need."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

import av
import av.logging
from av.codec.context import Flags as CodecFlags
from av.container import InputContainer

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.avi_file import read_avi
from lrcn_data.video.container_av import (
    FAILURES,
    Messages,
    OpenStream,
    VideoPacket,
    VideoSource,
    open_container,
)
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.packet_plan import (
    Delayed,
    Group,
    Prediction,
    can_plan,
    delayed_frames,
    delayed_stamps,
    plan_groups,
    predict,
)
from lrcn_data.video.packets_av import StreamPackets
from lrcn_data.video.rgb import Matrix, RgbConverter
from lrcn_data.video.timeline import (
    FrameStamp,
    Timeline,
    build_timeline,
    rising_timeline,
    ticks_a_frame,
)
from lrcn_data.video.video_file import VideoFile

_SKIPS_UNREFERENCED = frozenset(("mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc"))
"""Decoders that can leave out a picture to which no other refers without losing count."""

_FIRST = 8
"""Packets of which all pictures are decoded, to see whether they come with those that are expected:
decoders drop B-frames at the start of a stream that was cut."""

_HELD_PIXELS = 1 << 20
"""Pixels of decoded pictures to hold: what converts and encodes them stays in the processor's
caches when it need not take turns with the decoder."""

_PICTURE_A_PACKET = frozenset(
    ("mpeg4", "h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg", "prores")
)
"""Codecs without packets that show nothing, where all packets have times of their own."""


class _TimelineChanged(Exception):
    """The decoder gave other frames than the packets promised."""


def read_video(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read a video's wanted frames; see `video.ReadVideo`.

    Args:
        file: The file.
        sink: Says which frames are wanted, and takes them.
        options: How to decode.

    Raises:
        VideoError: The file can't be used, with the reason.
    """
    source = VideoSource(file, read_avi(file))
    if source.avi and source.avi.lost:
        # no part of such a file shows where it stops being sound
        raise VideoError(Reason.DAMAGED, source.avi.lost)
    try:
        if source.avi and source.avi.cut:
            raise VideoError(Reason.DAMAGED, source.avi.cut)
        with _logged() as messages, open_container(source, options) as container:
            return _AvVideo(source, container, sink, options, messages).read()
    except VideoError as damage:
        if not options.salvage or damage.reason != Reason.DAMAGED:
            raise
        try:
            with _logged() as messages, open_container(source, options) as container:
                sound = _AvVideo(source, container, sink, options, messages).read_sound_part()
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


class _AvVideo:
    def __init__(
        self,
        source: VideoSource,
        container: InputContainer,
        sink: FrameSink,
        options: DecodeOptions,
        messages: Messages,
    ) -> None:
        self._source = source
        self._container = container
        self._messages = messages
        self._count = 0
        self._skipping = False
        self._sink = sink
        self._options = options
        self._opened = OpenStream(source, container, options, messages)
        self._stream = self._opened.stream
        self._codec = self._opened.codec
        self._size = (self._codec.width, self._codec.height)
        self._codec.thread_count = 1
        # a picture is cut to what the stream says, also where that leaves its memory unaligned
        self._codec.flags |= CodecFlags.unaligned
        limits = options.limits
        self._codec.options = {"err_detect": "explode", "max_pixels": str(limits.pixels)}
        if self._codec.width * self._codec.height > limits.pixels:
            size = f"{self._codec.width}x{self._codec.height}"
            raise VideoError(Reason.TOO_LARGE, f"{size} pixels, the limit is {limits.pixels}")
        options.check_decoder(self._codec.name)
        if len(container.streams) > limits.streams:
            raise VideoError(Reason.TOO_LARGE, f"{len(container.streams)} streams")

    def read(self) -> Decoded:
        """Read strictly: any error, and any error message, refuses the video."""
        try:
            decoded = self._read()
        except FAILURES as error:
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
        return VideoError(
            Reason.DAMAGED, "; ".join([*parts, f"{self._count} frames decoded before"])
        )

    def _read(self) -> Decoded:
        self._look()
        table = self._packets.table
        if not len(table):
            raise self._damage("its video stream has no packets")
        prediction = predict(table, self._codec.name)
        if not self._options.check_full and not self._packets.suspicion():
            decoded = self._read_less(prediction)
            if decoded:
                return decoded
        return self._read_full(prediction)

    def _read_less(self, prediction: Prediction | None) -> Decoded | None:
        """Decode only what is wanted and what that needs.

        None where the packets don't tell what that is, or what they tell proves wrong. An error
        proves nothing else yet: packets may be marked as keyframes that are none.
        """
        table, before = self._packets.table, len(self._messages)
        decoded = None
        try:
            if prediction and can_plan(table, prediction, reorders=bool(self._codec.has_b_frames)):
                decoded = self._read_planned(prediction)
            elif delayed := delayed_frames(table):
                decoded = self._read_from_start(delayed)
        except (_TimelineChanged, *FAILURES):
            pass
        except VideoError as error:
            if error.reason != Reason.DAMAGED:
                raise
        if decoded and len(self._messages) == before:
            return decoded
        del self._messages[before:]
        self._skip_unreferenced(False)
        self._codec.flush_buffers()
        self._count = 0
        return None

    def _look(self) -> None:
        """Look at all packets before any is decoded."""
        self._packets = StreamPackets(self._opened)

    def read_sound_part(self) -> Decoded:
        """Take frames from before the first sign of damage; two passes.

        Raises:
            VideoError: There is no such part.
        """
        try:
            self._look()
        except FAILURES as error:
            raise self._damage(str(error)) from error
        timeline = self._timeline(self._decode_all(set(), until_damage=True))
        if not timeline.times:
            raise self._damage("no frame comes before the damage")
        self._decode_anew(set(self._sink.choose(timeline)), until_damage=True)
        return Decoded(timeline=timeline, decoding="full")

    def _promised(self, prediction: Prediction) -> Timeline:
        timeline = rising_timeline(
            prediction.pts,
            prediction.last_duration,
            time_base=self._packets.time_base,
            frame_rate=self._codec.framerate,
            average_rate=self._stream.guessed_rate,
            start=self._packets.start,
        )
        self._options.limits.check_duration(timeline)
        return timeline

    def _timeline(self, stamps: list[FrameStamp]) -> Timeline:
        if self._packets.table.untimed:
            usual = ticks_a_frame(self._codec.framerate, self._packets.time_base)
            stamps = [
                FrameStamp(pts=None, dts=None, duration=usual or stamp.duration) for stamp in stamps
            ]
        timeline = build_timeline(
            stamps,
            time_base=self._packets.time_base,
            frame_rate=self._codec.framerate,
            average_rate=self._stream.guessed_rate,
            start=self._packets.start,
        )
        self._options.limits.check_duration(timeline)
        return timeline

    def _read_planned(self, prediction: Prediction) -> Decoded:
        """Decode only the groups of pictures that lead to wanted frames."""
        timeline = self._promised(prediction)
        wanted = sorted(set(self._sink.choose(timeline)))
        converter = RgbConverter()
        left = {prediction.pts[frame]: frame for frame in wanted}
        held: list[tuple[int, av.VideoFrame]] = []
        at_once = _HELD_PIXELS // max(1, self._size[0] * self._size[1])
        wanted_packets = {prediction.packets[frame] for frame in wanted}
        table = self._packets.table
        for group in plan_groups(table, prediction, wanted):
            packets = self._packets.group(group)
            if prediction.delay:
                packets = self._leave_out(packets, group, wanted_packets)
            for pts, picture in self._decode_group(packets, left):
                held.append((left.pop(pts), picture))
                if len(held) > at_once:
                    self._take_held(held, converter)
                if not prediction.delay and pts == table.pts[group.stop - 1]:
                    break  # nothing else is in the decoder
        if left:
            raise _TimelineChanged
        self._take_held(held, converter)
        return Decoded(timeline=timeline, decoding="planned")

    def _leave_out(
        self, packets: Iterator[VideoPacket], group: Group, wanted_packets: set[int]
    ) -> Iterator[VideoPacket]:
        """A group's packets without those shown before its entry point, which may need others.

        Before each one the decoder is told whether it may skip the picture.
        """
        first = self._packets.table.pts[group.start]
        may_skip = self._codec.name in _SKIPS_UNREFERENCED
        for number, packet in enumerate(packets, group.start):
            pts = packet.pts
            if pts is not None and first is not None and pts < first:
                continue
            if may_skip:
                self._skip_unreferenced(number not in wanted_packets)
            yield packet
        self._skip_unreferenced(False)

    def _decode_group(
        self, packets: Iterator[VideoPacket], wanted: Container[int]
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode a group from its entry point: the pictures at the wanted pts, with these."""
        self._codec.flush_buffers()
        last = None
        for packet in chain(packets, (None,)):
            for picture in self._decode(packet):
                pts = picture.pts
                if pts is None or (last is not None and pts <= last):
                    raise _TimelineChanged
                last = pts
                if pts in wanted:
                    yield pts, picture

    def _read_from_start(self, delayed: Delayed) -> Decoded:
        """Decode up to the last wanted frame, without B-frames that nobody wants."""
        stamps = delayed_stamps(self._packets.table, delayed.packets)
        timeline = self._timeline(stamps)
        wanted = sorted(set(self._sink.choose(timeline)))
        needed = delayed.needed(wanted)
        converter = RgbConverter()
        left = iter(wanted)
        following = next(left, None)
        comes_with = set(delayed.packets)
        for number, packet in enumerate(chain(self._packets.all(), (None,))):
            if following is None:
                break
            first = number < _FIRST
            self._skip_unreferenced(not first and number not in needed)
            pictures = self._decode(packet)
            if first and len(pictures) != (number in comes_with):
                raise _TimelineChanged
            if number != delayed.packets[following]:
                continue
            if len(pictures) != 1 or _stamp(pictures[0]) != stamps[following]:
                raise _TimelineChanged
            self._take_planned(following, pictures[0], converter)
            following = next(left, None)
        self._skip_unreferenced(False)
        return Decoded(timeline=timeline, decoding="from-start")

    def _skip_unreferenced(self, skip: bool) -> None:
        """Have the decoder leave out pictures to which no other refers, or not."""
        if skip != self._skipping:
            self._skipping = skip
            self._codec.skip_frame = "NONREF" if skip else "DEFAULT"

    def _decode(self, packet: VideoPacket | None) -> list[av.VideoFrame]:
        pictures: list[av.VideoFrame] = self._codec.decode(packet)
        for picture in pictures:
            if picture.is_corrupt:
                raise self._damage("the decoder marks a frame as damaged")
            self._count += 1
        return pictures

    def _read_full(self, prediction: Prediction | None) -> Decoded:
        """Decode everything, strictly; once if the packets' promise holds, else twice."""
        if prediction:
            promised = self._promised(prediction)
        else:
            late = range(1, len(self._packets.table) + 1)
            promised = self._timeline(delayed_stamps(self._packets.table, late))
        wanted = set(self._sink.choose(promised))
        timeline = self._timeline(self._decode_all(wanted))
        if prediction and self._codec.name in _PICTURE_A_PACKET:
            self._refuse_fewer(len(timeline.times), len(prediction.pts))
        if (promised.times, promised.end) != (timeline.times, timeline.end):
            if not timeline.times:
                packets = len(self._packets.table)
                raise VideoError(Reason.DAMAGED, f"no frame comes out of {packets} packets")
            self._decode_anew(set(self._sink.choose(timeline)))
        return Decoded(timeline=timeline, decoding="full")

    def _decode_anew(self, wanted: set[int], *, until_damage: bool = False) -> None:
        """Decode everything a second time, by a decoder that knows nothing of the end."""
        with open_container(self._source, self._options) as container:
            video = _AvVideo(self._source, container, self._sink, self._options, self._messages)
            video._look()
            video._decode_all(wanted, until_damage=until_damage)

    def _refuse_fewer(self, pictures: int, packets: int) -> None:
        """Refuse a stream with packets that give no picture: decoders skip what they can't name."""
        if pictures < packets:
            raise VideoError(Reason.DAMAGED, f"{packets} packets give only {pictures} frames")

    def _decode_all(self, wanted: set[int], *, until_damage: bool = False) -> list[FrameStamp]:
        stamps: list[FrameStamp] = []
        converter = RgbConverter()
        before = len(self._messages)
        for packet in chain(self._packets.all(), (None,)):
            try:
                pictures = self._decode(packet)
            except (*FAILURES, VideoError):
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

    def _take_held(self, held: list[tuple[int, av.VideoFrame]], converter: RgbConverter) -> None:
        for frame, picture in held:
            self._take_planned(frame, picture, converter)
        held.clear()

    def _take_planned(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        if (picture.width, picture.height) != self._size:
            raise _TimelineChanged  # the first picture's size counts, which may be another
        self._take(frame, picture, converter)

    def _take(self, frame: int, picture: av.VideoFrame, converter: RgbConverter) -> None:
        self._sink.take(frame, converter.convert(picture, matrix=_display_matrix(picture)))


def _stamp(picture: av.VideoFrame) -> FrameStamp:
    return FrameStamp(pts=picture.pts, dts=picture.dts, duration=picture.duration or 0)


def _display_matrix(picture: av.VideoFrame) -> Matrix | None:
    side_data = picture.side_data
    if not len(side_data):
        return None  # looking for it in vain takes longer
    data: Any = side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = memoryview(bytes(data)).cast("i")[:5]
    return None if (a > 0 and d > 0 and b == c == 0) else (a, b, c, d)
