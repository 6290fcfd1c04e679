"""Decodes everything strictly, or else what comes before the first sign of damage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import av

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.container_av import FAILURES
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
    """Take frames from before the first sign of damage, in two passes.

    Raises:
        VideoError: No frame comes before the damage.
    """
    try:
        _ = video.packets  # looked at now, so that what libav says of them is told
    except FAILURES as error:
        raise video.decoder.damage(str(error)) from error
    timeline = video.timeline(_take_frames(video, _pictures_before_damage(video), set()))
    if not timeline.times:
        raise video.decoder.damage("no frame comes before the damage")
    wanted = set(video.sink.choose(timeline))
    with video.opened_again() as again:
        _take_frames(again, _pictures_before_damage(again), wanted)
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


def _pictures_before_damage(video: AvVideo) -> Iterator[av.VideoFrame]:
    packets, messages = video.packets, video.opened.messages
    before = len(messages)
    for packet in chain(packets.all(), (None,)):
        try:
            pictures = video.decoder.decode(packet)
        except (*FAILURES, VideoError):
            return
        if len(messages) > before:
            return
        yield from pictures
