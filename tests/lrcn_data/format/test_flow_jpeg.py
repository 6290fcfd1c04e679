"""Pictures of optical flow: what their levels mean, and the flow of pictures that move."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lrcn_data.errors import UsageError
from lrcn_data.format import flow_jpeg
from lrcn_data.format.flow_jpeg import FlowJpeg, flow_picture, optical_flow
from lrcn_data.format.pictures import resized
from lrcn_data.pixels import RGB


def scene(height: int, width: int) -> RGB:
    """A picture with soft spots everywhere."""
    small = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return resized(small, (width, height))


def seen_from(left: int, top: int) -> RGB:
    """A part of a scene that is the same whatever is seen of it."""
    return np.ascontiguousarray(scene(160, 240)[top : top + 96, left : left + 128])


@pytest.mark.parametrize(
    ("movement", "levels"),
    [
        ((0.0, 0.0), (128, 128, 128)),
        ((1.0, 0.0), (144, 128, 144)),
        ((-3.0, 4.0), (80, 192, 208)),
        ((0.04, -0.02), (129, 128, 129)),
        ((-8.0, 7.9375), (0, 255, 255)),
        ((-50.0, 50.0), (0, 255, 255)),
    ],
)
def test_a_pixel_a_frame_is_16_levels_from_128_and_the_third_channel_is_the_length(
    movement: tuple[float, float], levels: tuple[int, int, int]
) -> None:
    picture = flow_picture(np.full((3, 5, 2), movement, np.float32))
    assert (picture.shape, picture.dtype) == ((3, 5, 3), np.uint8)
    assert np.all(picture == levels)


@pytest.mark.parametrize("movement", [(0, 0), (3, 0), (-4, 0), (0, 2), (2, -5)])
def test_what_moves_has_that_flow(movement: tuple[int, int]) -> None:
    pytest.importorskip("cv2")
    right, down = movement
    # what is seen from further left lies further right
    flow = optical_flow(seen_from(50, 30), seen_from(50 - right, 30 - down))
    assert flow.dtype == np.float32
    inner = flow[16:-16, 16:-16]
    assert np.abs(inner - movement).max() < 0.5
    assert np.abs(np.median(inner, axis=(0, 1)) - movement).max() < 0.05


def test_a_mirrored_movement_has_the_mirrored_channel_as_it_is_said_to_have() -> None:
    pytest.importorskip("cv2")
    kind = FlowJpeg()
    first, second = seen_from(50, 30), seen_from(47, 31)
    picture = kind.picture(first, 0, second).astype(int)
    mirrored = kind.picture(first[:, ::-1], 0, second[:, ::-1]).astype(int)
    expected = picture[:, ::-1].copy()
    for channel in kind.mirrored_channels:
        expected[..., channel] = 255 - expected[..., channel]
    assert np.abs(np.median(mirrored - expected, axis=(0, 1))).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (8, 300), (17, 15)])
def test_frames_of_any_size_have_a_flow(size: tuple[int, int]) -> None:
    pytest.importorskip("cv2")
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(2))
    flow = optical_flow(first, second)
    assert flow.shape == (*size, 2)
    assert np.isfinite(flow).all()


def test_a_flow_is_the_same_whatever_was_computed_before() -> None:
    pytest.importorskip("cv2")
    pair = seen_from(50, 30), seen_from(47, 31)
    first = optical_flow(*pair)
    optical_flow(scene(64, 200), scene(64, 200)[::-1])
    optical_flow(pair[1], scene(96, 128))
    assert np.array_equal(optical_flow(*pair), first)
    # for which DIS chooses other scales
    small = scene(16, 24), scene(16, 24)[::-1]
    assert np.array_equal(optical_flow(*small), optical_flow(*small))
    assert np.array_equal(optical_flow(*pair), first)


def test_without_opencv_flow_can_be_read_and_making_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    flow_jpeg._opencv.cache_clear()
    kind, picture = FlowJpeg(), np.full((16, 24, 3), 128, np.uint8)
    read = np.empty_like(picture)
    kind.decode(memoryview(kind.encode(picture, 90)), read)
    assert np.array_equal(read, picture)
    with pytest.raises(UsageError, match=r"needs OpenCV.* pip install 'lrcn\[flow\]'"):
        kind.tools()


def test_threads_at_once_get_the_flows_that_one_by_itself_does() -> None:
    pytest.importorskip("cv2")
    pairs = [(seen_from(left, top), seen_from(left + 3, top)) for left in (0, 40) for top in (0, 9)]
    alone = [optical_flow(*pair) for pair in pairs]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda pair: optical_flow(*pair), pairs * 25))
    for flow, same in zip(together, alone * 25, strict=True):
        assert np.array_equal(flow, same)
