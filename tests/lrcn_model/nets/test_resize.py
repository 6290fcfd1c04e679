from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lrcn_model.nets.resize import resize


def test_frames_of_the_size_wanted_are_the_same_ones() -> None:
    frames = torch.zeros(1, 3, 4, 6, dtype=torch.uint8)
    assert resize(frames, (6, 4)) is frames


@pytest.mark.parametrize("size", [(20, 15), (64, 48), (7, 31)])
def test_pixels_are_those_of_pillows_bilinear_filter_to_a_level(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    [found] = resize(torch.from_numpy(picture).permute(2, 0, 1)[None], size)
    expected = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    difference = np.abs(found.permute(1, 2, 0).numpy().astype(int) - expected)
    assert difference.max() <= 1


def test_resizing_is_linear_so_that_means_may_be_resized() -> None:
    frames = torch.rand(5, 3, 30, 40, dtype=torch.float64)
    one = resize(frames.mean(0, keepdim=True), (11, 9))
    other = resize(frames, (11, 9)).mean(0, keepdim=True)
    torch.testing.assert_close(one, other)
