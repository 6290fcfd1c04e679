"""Pictures of any number of channels, against Pillow channel by channel, and their sums."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.pictures import as_rgb, resize_with_pillow


def picture(channels: int, size: tuple[int, int] = (20, 12)) -> np.ndarray:
    rng = np.random.default_rng(channels)
    return rng.integers(0, 256, (size[1], size[0], channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("how", [Image.Resampling.BOX, Image.Resampling.BILINEAR])
def test_every_channel_is_resized_as_a_picture_of_its_own(
    channels: int, how: Image.Resampling
) -> None:
    original = picture(channels)
    found = resize_with_pillow(original, (9, 7), how)
    assert found.shape == (7, 9, channels)
    for channel in range(channels):
        alone = Image.fromarray(np.ascontiguousarray(original[:, :, channel])).resize((9, 7), how)
        assert np.array_equal(found[:, :, channel], np.asarray(alone))


@pytest.mark.parametrize(
    ("channels", "shown"), [(1, [0, 0, 0]), (2, [0, 1, 1]), (3, [0, 1, 2]), (5, [0, 1, 2])]
)
def test_any_picture_can_be_shown(channels: int, shown: list[int]) -> None:
    original = picture(channels)
    assert np.array_equal(as_rgb(original), original[:, :, shown])


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [(20, 12), (10, 6)])
def test_sums_of_any_number_of_channels_are_exact(channels: int, size: tuple[int, int]) -> None:
    frames = [picture(channels, size) for _ in range(3)]
    sums, other = PixelSums(size, channels), PixelSums(size, channels)
    sums.add(frames[0], 300)
    other.add(frames[1])
    other.add(frames[2], 2)
    sums.merge(other)
    wanted = 300 * frames[0].astype(int) + frames[1] + 2 * frames[2].astype(int)
    assert np.array_equal(sums.pixel_sum, wanted)
    assert (sums.frame_count, sums.exact_frames) == (303, 303)
