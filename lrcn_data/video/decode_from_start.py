"""Decodes a video up to the last wanted frame, without the B-frames that aren't needed.

This is for packets without pts, if it is known with which of them the decoder gives each frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

import av

from lrcn_data.video.decoding import Decoded
from lrcn_data.video.packets.packet_plan import Delayed, delayed_stamps
from lrcn_data.video.picture_decoder import stamp_of
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.timeline import FrameStamp
from lrcn_data.video.video_av import AvVideo, TimelineChanged

_FIRST = 8
"""The number of packets at the start whose pictures are all decoded, to see whether these come with
the packets that are expected: decoders drop B-frames at the start of a stream that was cut."""


def decode_from_start(video: AvVideo, delayed: Delayed) -> Decoded:
    """Decode all that comes before the last wanted frame, but for B-frames that none needs.

    Args:
        video: The open video.
        delayed: Says with which packet the decoder gives each frame.

    Raises:
        TimelineChanged: A frame comes with another packet.
        VideoError: The video can't be used.
        FAILURES: libav can't decode it.
    """
    stamps = delayed_stamps(video.packets.table, delayed.packets)
    timeline = video.timeline(stamps)
    wanted = sorted(set(video.sink.choose(timeline)))
    frame_of = {delayed.packets[frame]: frame for frame in wanted}
    converter = RgbConverter()
    for number, pictures in _decode_until(video, delayed, wanted):
        frame = frame_of.get(number)
        if frame is not None:
            picture = _only_picture(pictures, stamps[frame])
            video.take_planned(frame, picture, converter)
    video.decoder.skip_unreferenced(False)
    return Decoded(timeline=timeline, decoding="from-start")


def _decode_until(
    video: AvVideo, delayed: Delayed, wanted: list[int]
) -> Iterator[tuple[int, list[av.VideoFrame]]]:
    """Decode packets up to the one with which the last wanted frame comes.

    Yields:
        The number of each packet, and the pictures that the decoder gives once it has the packet.
        For the end of the stream, that number is the number of all packets.
    """
    decoder = video.decoder
    needed, comes_with = delayed.needed(wanted), set(delayed.packets)
    count = delayed.packets[wanted[-1]] + 1 if wanted else 0
    for number, packet in enumerate(islice(chain(video.packets.all(), (None,)), count)):
        first = number < _FIRST
        decoder.skip_unreferenced(not first and number not in needed)
        pictures = decoder.decode(packet)
        if first and len(pictures) != (number in comes_with):
            raise TimelineChanged
        yield number, pictures


def _only_picture(pictures: list[av.VideoFrame], expected: FrameStamp) -> av.VideoFrame:
    if len(pictures) != 1 or stamp_of(pictures[0]) != expected:
        raise TimelineChanged
    return pictures[0]
