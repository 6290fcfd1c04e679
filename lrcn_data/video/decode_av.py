"""Decodes in process with PyAV: all packets first, then only what the wanted frames need."""

from __future__ import annotations

from dataclasses import replace

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.avi_file import read_avi
from lrcn_data.video.container_av import FAILURES, VideoSource, what_is_said
from lrcn_data.video.decode_from_start import decode_from_start
from lrcn_data.video.decode_full import decode_full, decode_sound_part
from lrcn_data.video.decode_planned import decode_planned
from lrcn_data.video.decoding import Decoded, DecodeOptions, FrameSink
from lrcn_data.video.libav_messages import logged
from lrcn_data.video.mp4_file import missing_of_mp4
from lrcn_data.video.packets.packet_plan import Prediction, can_plan, delayed_frames, predict
from lrcn_data.video.video_av import AvVideo, TimelineChanged, open_video_av
from lrcn_data.video.video_file import VideoFile


def read_video(file: VideoFile, sink: FrameSink, options: DecodeOptions) -> Decoded:
    """Read a video's wanted frames; see `decoding.ReadVideo`.

    Args:
        file: The open file.
        sink: Decides which frames are wanted, and takes them.
        options: How the video is decoded.

    Raises:
        VideoError: The file can't be used, with the reason.
    """
    source = VideoSource(file, read_avi(file))
    if source.avi and source.avi.lost:
        # no part of such a file shows where it stops being sound
        raise VideoError(Reason.DAMAGED, source.avi.lost)
    try:
        if cut := source.avi.cut if source.avi else missing_of_mp4(file):
            raise VideoError(Reason.DAMAGED, cut)
        with logged() as messages, open_video_av(source, sink, options, messages) as video:
            return _read_strictly(video)
    except VideoError as damage:
        if not options.salvage or damage.reason != Reason.DAMAGED:
            raise
        try:
            with logged() as messages, open_video_av(source, sink, options, messages) as video:
                return replace(decode_sound_part(video), damage=damage)
        except VideoError:
            raise damage from None


def _read_strictly(video: AvVideo) -> Decoded:
    """Read the wanted frames, and refuse the video at any error or error message."""
    try:
        decoded = _read_some_way(video)
    except FAILURES as error:
        raise video.decoder.damage(what_is_said(error)) from error
    if video.opened.messages:
        raise video.decoder.damage("")
    return decoded


def _read_some_way(video: AvVideo) -> Decoded:
    """Decode as little as can be trusted to be enough."""
    table = video.packets.table
    if not len(table):
        raise video.decoder.damage("its video stream has no packets")
    prediction = predict(table, video.opened.codec.name)
    if not video.opened.options.check_full and not video.packets.suspicion():
        decoded = _read_less(video, prediction)
        if decoded:
            return decoded
    return decode_full(video, prediction)


def _read_less(video: AvVideo, prediction: Prediction | None) -> Decoded | None:
    """Decode only the wanted frames and what they depend on.

    Returns:
        None if the packets don't tell what that is, or if what they tell proves wrong. An error
        proves no more than that, since packets may be marked as keyframes that aren't.
    """
    messages = video.opened.messages
    before = len(messages)
    decoded = None
    try:
        decoded = _read_by_packets(video, prediction)
    except (TimelineChanged, *FAILURES):
        pass
    except VideoError as error:
        if error.reason != Reason.DAMAGED:
            raise
    if decoded and len(messages) == before:
        return decoded
    del messages[before:]
    video.decoder.start_anew()
    return None


def _read_by_packets(video: AvVideo, prediction: Prediction | None) -> Decoded | None:
    """Decode what the packets say is needed, in one of two ways; None if they allow neither."""
    table, reorders = video.packets.table, bool(video.opened.codec.has_b_frames)
    if prediction and can_plan(table, prediction, reorders=reorders):
        return decode_planned(video, prediction)
    if delayed := delayed_frames(table):
        return decode_from_start(video, delayed)
    return None
