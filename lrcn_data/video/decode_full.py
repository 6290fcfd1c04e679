"""Decodes everything strictly, or else the part that is sound."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import partial
from itertools import chain, dropwhile

import av

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.container_av import FAILURES, VideoPacket
from lrcn_data.video.decoding import Decoded
from lrcn_data.video.packets.packet_plan import Prediction, delayed_stamps
from lrcn_data.video.picture_decoder import stamp_of
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import FrameStamp, Timeline
from lrcn_data.video.video_av import AvVideo

_PICTURE_A_PACKET = frozenset(
    ("mpeg4", "h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg", "prores")
)
"""Codecs whose every packet gives a picture, if all packets have times of their own."""


def decode_full(video: AvVideo, prediction: Prediction | None) -> Decoded:
    """Decode everything, strictly; once if the packets' promise holds, else twice.

    Args:
        video: The open video.
        prediction: The frames that its packets promise; None where they can't be trusted to tell.

    Raises:
        VideoError: The video can't be used.
        FAILURES: libav can't decode it.
    """
    promised = video.promised(prediction) if prediction else _frame_a_packet(video)
    wanted = set(video.sink.choose(promised))
    timeline = video.timeline(_take_frames(video, _pictures(video), wanted))
    if prediction and video.opened.codec.name in _PICTURE_A_PACKET:
        _refuse_fewer(len(timeline.times), len(prediction.pts))
    if (promised.times, promised.end) != (timeline.times, timeline.end):
        if not timeline.times:
            packets = len(video.packets.table)
            raise VideoError(Reason.DAMAGED, f"no frame comes out of {packets} packets")
        wanted = set(video.sink.choose(timeline))
        with video.opened_again() as again:
            _take_frames(again, _pictures(again), wanted)
    return Decoded(timeline=timeline, decoding="full")


def decode_sound_part(video: AvVideo) -> Decoded:
    """Take the frames before the first sign of damage, in two passes.

    Where none comes before it, they are those from the first keyframe on with which decoding works.

    Raises:
        VideoError: No frame comes before the damage, and none from any keyframe on.
    """
    try:
        _ = video.packets  # looked at now, so that what libav says of them is told
    except FAILURES as error:
        raise video.decoder.damage(str(error)) from error
    timeline = video.timeline(_take_frames(video, _sound_pictures(video), set()))
    if not timeline.times:
        raise video.decoder.damage("no frame comes before the damage")
    wanted = set(video.sink.choose(timeline))
    with video.opened_again() as again:
        _take_frames(again, _sound_pictures(again), wanted)
    return Decoded(timeline=timeline, decoding="full")


def _frame_a_packet(video: AvVideo) -> Timeline:
    """The timeline if each packet's frame comes out of the decoder once the next packet is in."""
    table = video.packets.table
    return video.timeline(delayed_stamps(table, range(1, len(table) + 1)))


def _refuse_fewer(pictures: int, packets: int) -> None:
    """Refuse a stream with packets that give no picture, since decoders skip unknown data."""
    if pictures < packets:
        raise VideoError(Reason.DAMAGED, f"{packets} packets give only {pictures} frames")


def _take_frames(
    video: AvVideo, pictures: Iterable[av.VideoFrame], wanted: set[int]
) -> list[FrameStamp]:
    """Hand over the wanted pictures, and give what the file says of the time of every picture."""
    stamps: list[FrameStamp] = []
    converter = RgbConverter()
    for frame, picture in enumerate(pictures):
        converter.fix_size(picture)
        if frame in wanted:
            video.take(frame, picture, converter)
        stamps.append(stamp_of(picture))
    return stamps


def _pictures(video: AvVideo) -> Iterator[av.VideoFrame]:
    for packet in chain(video.packets.all(), (None,)):
        yield from video.decoder.decode(packet)


def _sound_pictures(video: AvVideo) -> Iterator[av.VideoFrame]:
    """Give the pictures before the first sign of damage.

    If there are none, those from the first keyframe on that gives any: recordings and cut-outs may
    begin with pictures that need earlier ones.
    """
    packets = enumerate(video.packets.all())
    start: Iterator[VideoPacket] | None = (packet for _, packet in packets)
    while start:
        given = False
        for picture in _until_damage(video, start):
            given = True
            yield picture
        if given:
            return
        video.decoder.flush()
        start = _from_keyframe(packets, frozenset(video.packets.table.entries))


def _until_damage(video: AvVideo, packets: Iterator[VideoPacket]) -> Iterator[av.VideoFrame]:
    messages = video.opened.messages
    before = len(messages)
    for packet in chain(packets, (None,)):
        try:
            pictures = video.decoder.decode(packet)
        except (*FAILURES, VideoError):
            return
        if len(messages) > before:
            return
        yield from pictures


def _from_keyframe(
    packets: Iterator[tuple[int, VideoPacket]], entries: Container[int]
) -> Iterator[VideoPacket] | None:
    """Give the next keyframe and what follows it, but for pictures that need earlier ones.

    Args:
        packets: The packets that are left, with their numbers.
        entries: The numbers of the packets at which decoding may start, marked as keyframes or not.

    Returns:
        The packets; None if no keyframe is left.
    """
    for number, keyframe in packets:
        if keyframe.is_keyframe or number in entries:
            others = (packet for _, packet in packets)
            shown_earlier = partial(_is_shown_before, keyframe)
            return chain((keyframe,), dropwhile(shown_earlier, others))
    return None


def _is_shown_before(keyframe: VideoPacket, packet: VideoPacket) -> bool:
    if keyframe.pts is None or packet.pts is None:
        return False
    return packet.pts < keyframe.pts
