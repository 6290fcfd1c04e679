"""Which packets of H.264 decoding may start at."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.video.packets.entry_points import has_idr, is_entry_point

AVCC = bytes((1, 100, 0, 30, 0xFF))
"""The start of an AVCDecoderConfigurationRecord whose sizes are of 4 bytes."""

# nal_unit_type of H.264: 1 another slice, 5 an IDR slice, 6 to 9 no picture
UNITS = st.lists(st.sampled_from([1, 5, 6, 7, 8, 9]), max_size=6)


def unit(kind: int) -> bytes:
    return bytes((0x60 | kind, 0x88, 0x84))


@given(UNITS)
def test_an_idr_slice_is_found_among_units_told_apart_by_size(kinds: list[int]) -> None:
    packet = b"".join(len(unit(kind)).to_bytes(4, "big") + unit(kind) for kind in kinds)
    assert has_idr(memoryview(packet), AVCC) == (5 in kinds)


@given(UNITS, st.sampled_from([b"\0\0\1", b"\0\0\0\1"]), st.sampled_from([None, b"", b"\0\0\1"]))
def test_an_idr_slice_is_found_among_units_told_apart_by_start_codes(
    kinds: list[int], start: bytes, extradata: bytes | None
) -> None:
    packet = b"".join(start + unit(kind) for kind in kinds)
    assert has_idr(memoryview(packet), extradata) == (5 in kinds)


@pytest.mark.parametrize("extradata", [AVCC, None])
@given(data=st.binary(max_size=40))
def test_any_bytes_can_be_searched(extradata: bytes | None, data: bytes) -> None:
    assert has_idr(memoryview(data), extradata) in (True, False)


def keyframes_that_are_entry_points(path: Path, codec: str, options: dict[str, str]) -> list[bool]:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        rng = np.random.default_rng(1)
        for _ in range(20):
            noise = rng.integers(0, 256, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise)))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return [
            is_entry_point(packet, video.codec_context)
            for packet in container.demux(video)
            if packet.is_keyframe and packet.size
        ]


def test_a_keyframe_of_mpeg_4_is_an_entry_point(tmp_path: Path) -> None:
    found = keyframes_that_are_entry_points(tmp_path / "v.mp4", "mpeg4", {"g": "5"})
    assert len(found) >= 4
    assert all(found)


def test_a_keyframe_of_a_codec_with_inexact_ones_is_none(tmp_path: Path) -> None:
    found = keyframes_that_are_entry_points(tmp_path / "v.avi", "msmpeg4", {"g": "5"})
    assert len(found) >= 4
    assert not any(found)


@pytest.mark.parametrize("ending", ["mp4", "ts"])
def test_a_keyframe_of_h264_that_later_pictures_look_back_across_is_none(
    tmp_path: Path, ending: str
) -> None:
    options = {"g": "5", "x264-params": "open-gop=1:bframes=2:scenecut=0:keyint=5:min-keyint=5"}
    found = keyframes_that_are_entry_points(tmp_path / f"v.{ending}", "libx264", options)
    assert found[0]
    assert not any(found[1:])
    assert len(found) > 2
