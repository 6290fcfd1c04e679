from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lrcn_model.exporting.resize_levels import ResizeLevels


def both(source: tuple[int, int], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Random images resized here, and by torch's own kernel for uint8."""
    generator = torch.Generator().manual_seed(0)
    width, height = source
    images = torch.randint(0, 256, (4, 3, height, width), dtype=torch.uint8, generator=generator)
    mine = ResizeLevels(source, size)(images.float())
    torchs = functional.interpolate(images, size[::-1], mode="bilinear", antialias=True)
    return mine, torchs.float()


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ((320, 240), (112, 112)),
        ((160, 120), (224, 224)),
        ((37, 51), (40, 40)),
        ((112, 100), (112, 112)),
        ((100, 112), (112, 112)),
        ((40, 32), (40, 32)),
    ],
)
def test_images_get_the_levels_that_torch_gives_them(
    source: tuple[int, int], size: tuple[int, int]
) -> None:
    mine, torchs = both(source, size)
    assert torch.equal(mine, torchs)


def test_a_level_in_a_hundred_thousand_is_one_off_where_images_get_many_times_smaller() -> None:
    mine, torchs = both((1280, 720), (112, 112))
    assert (mine - torchs).abs().max() <= 1
    assert (mine != torchs).float().mean() <= 1e-5
