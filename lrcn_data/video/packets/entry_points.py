"""Packets at which decoding may start: keyframes, where their codec gives them that meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from av.video.codeccontext import VideoCodecContext

from lrcn_data.video.container_av import VideoPacket

_EXACT_KEYFRAMES = frozenset(
    ("mpeg4", "h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores")
)
"""Codecs whose marked keyframes give exact pictures from their own time on."""

_START_CODE = b"\0\0\1"

_IDR = 5
"""The nal_unit_type of a slice of an IDR picture, across which no later picture refers back (H.264,
7.4.1)."""


def is_entry_point(keyframe: VideoPacket, codec: VideoCodecContext) -> bool:
    """Whether decoding from this keyframe on gives exact pictures from its own time on."""
    name = codec.name
    if name == "h264":
        return has_idr(memoryview(cast(bytes, keyframe)), codec.extradata)
    return name in _EXACT_KEYFRAMES or name.removeprefix("lib").startswith(("vpx", "dav1d"))


def has_idr(data: memoryview, extradata: bytes | None) -> bool:
    """Whether an H.264 packet has a slice of an IDR picture, across which no later one refers back.

    Args:
        data: The bytes of the packet.
        extradata: The decoder's settings, which tell how the packet is divided into units: by their
            sizes if the settings are an AVCDecoderConfigurationRecord, or else by start codes.
    """
    if extradata and extradata[0] == 1:
        return _IDR in _types_by_size(data, size_bytes=(extradata[4] & 3) + 1)
    return _IDR in _types_by_start_code(bytes(data))


def _types_by_size(data: memoryview, *, size_bytes: int) -> Iterator[int]:
    offset = 0
    while offset + size_bytes < len(data):
        yield data[offset + size_bytes] & 31
        offset += size_bytes + int.from_bytes(data[offset : offset + size_bytes], "big")


def _types_by_start_code(data: bytes) -> Iterator[int]:
    offset = data.find(_START_CODE)
    while 0 <= offset < len(data) - 3:
        yield data[offset + 3] & 31
        offset = data.find(_START_CODE, offset + 3)
