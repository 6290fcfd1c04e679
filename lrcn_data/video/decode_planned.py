"""Decodes only the groups of pictures that lead to wanted frames."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import chain

import av

from lrcn_data.video.container_av import VideoPacket
from lrcn_data.video.decoding import Decoded
from lrcn_data.video.packets.packet_plan import Group, Prediction, plan_groups
from lrcn_data.video.rgb import RgbConverter
from lrcn_data.video.video_av import AvVideo, TimelineChanged

_SKIPS_UNREFERENCED = frozenset(("mpeg1video", "mpeg2video", "mpeg4", "h264", "hevc"))
"""Decoders that can leave out a picture to which no other one refers, and still give every other
picture its own time."""

_HELD_PIXELS = 1 << 20
"""The number of pixels of decoded pictures to hold before they are handed over. The code that
converts and encodes them stays in the processor's caches when it need not take turns with the
decoder."""


def decode_planned(video: AvVideo, prediction: Prediction) -> Decoded:
    """Decode only what the wanted frames depend on.

    Args:
        video: The open video.
        prediction: The frames that its packets promise.

    Raises:
        TimelineChanged: The decoded frames aren't those that the packets promise.
        VideoError: The video can't be used.
        FAILURES: libav can't decode it.
    """
    timeline = video.promised(prediction)
    wanted = sorted(set(video.sink.choose(timeline)))
    frames = _WantedFrames(video)
    left = {prediction.pts[frame]: frame for frame in wanted}
    wanted_packets = {prediction.packets[frame] for frame in wanted}
    table = video.packets.table
    for group in plan_groups(table, prediction, wanted):
        packets = video.packets.group(group)
        if prediction.delay:
            packets = _leave_out(video, packets, group, wanted_packets)
        for pts, picture in _decode_group(video, packets, left):
            frames.add(left.pop(pts), picture)
            if not prediction.delay and pts == table.pts[group.stop - 1]:
                break  # nothing else is in the decoder
    if left:
        raise TimelineChanged
    frames.hand_over()
    return Decoded(timeline=timeline, decoding="planned")


class _WantedFrames:
    """Collects wanted frames and hands them over, a few at once."""

    def __init__(self, video: AvVideo) -> None:
        width, height = video.decoder.size
        self._video = video
        self._converter = RgbConverter()
        self._most = _HELD_PIXELS // max(1, width * height)
        self._held: list[tuple[int, av.VideoFrame]] = []

    def add(self, frame: int, picture: av.VideoFrame) -> None:
        self._held.append((frame, picture))
        if len(self._held) > self._most:
            self.hand_over()

    def hand_over(self) -> None:
        for frame, picture in self._held:
            self._video.take_planned(frame, picture, self._converter)
        self._held.clear()


def _leave_out(
    video: AvVideo, packets: Iterator[VideoPacket], group: Group, wanted_packets: set[int]
) -> Iterator[VideoPacket]:
    """Give a group's packets, but not those shown before its entry point: they may need others.

    Before each packet, the decoder is told whether it may skip the picture.
    """
    decoder = video.decoder
    first = video.packets.table.pts[group.start]
    may_skip = video.opened.codec.name in _SKIPS_UNREFERENCED
    for number, packet in enumerate(packets, group.start):
        pts = packet.pts
        if pts is not None and first is not None and pts < first:
            continue
        if may_skip:
            decoder.skip_unreferenced(number not in wanted_packets)
        yield packet
    decoder.skip_unreferenced(False)


def _decode_group(
    video: AvVideo, packets: Iterator[VideoPacket], wanted: Container[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode a group from its entry point, and give the wanted pts and their pictures."""
    video.decoder.flush()
    decode = video.decoder.decode
    last = None
    for packet in chain(packets, (None,)):
        for picture in decode(packet):
            pts = picture.pts
            if pts is None or (last is not None and pts <= last):
                raise TimelineChanged
            last = pts
            if pts in wanted:
                yield pts, picture
