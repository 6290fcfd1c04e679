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
"""nal_unit_type of a slice of a picture that nothing after it looks back across (H.264, 7.4.1)."""


def is_entry_point(keyframe: VideoPacket, codec: VideoCodecContext) -> bool:
    """Whether decoding from this keyframe on gives exact pictures from its own time on."""
    name = codec.name
    if name == "h264":
        return has_idr(memoryview(cast(bytes, keyframe)), codec.extradata)
    return name in _EXACT_KEYFRAMES or name.removeprefix("lib").startswith(("vpx", "dav1d"))


def has_idr(data: memoryview, extradata: bytes | None) -> bool:
    """Whether an H.264 packet has an IDR slice, which nothing after it looks back across.

    Args:
        data: The packet.
        extradata: The decoder's settings, which say how the packet's units are told apart: by their
            sizes where these settings are an AVCDecoderConfigurationRecord, else by start codes.
    """
    if extradata and extradata[0] == 1:
        return _IDR in _types_by_size(data, size_bytes=(extradata[4] & 3) + 1)
    return _IDR in _types_by_start_code(bytes(data))


def _types_by_size(data: memoryview, *, size_bytes: int) -> Iterator[int]:
    position = 0
    while position + size_bytes < len(data):
        yield data[position + size_bytes] & 31
        position += size_bytes + int.from_bytes(data[position : position + size_bytes], "big")


def _types_by_start_code(data: bytes) -> Iterator[int]:
    position = data.find(_START_CODE)
    while 0 <= position < len(data) - 3:
        yield data[position + 3] & 31
        position = data.find(_START_CODE, position + 3)
