"""What a CNN gets of stored frames, against plain arithmetic in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.frame_input import FrameInput
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess

IMAGENET = Expects(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def frames(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def channels(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None, None]


def test_frames_get_the_range_mean_and_std_that_the_cnn_expects() -> None:
    stored = frames(4, 3, 8, 12)
    result = FrameInput((12, 8), torch.rand(3, 8, 12) * 255, expects=IMAGENET)(stored)
    assert IMAGENET.mean is not None
    assert IMAGENET.std is not None
    expected = (stored.double() / 255 - channels(IMAGENET.mean)) / channels(IMAGENET.std)
    torch.testing.assert_close(result.double(), expected, atol=1e-5, rtol=0)


def test_a_cnns_own_mean_is_on_the_scale_of_its_range() -> None:
    stored = frames(4, 3, 8, 12)
    expects = Expects(low=-1, high=1, mean=(0.5, 0.0, -0.25), std=(0.5, 0.5, 0.5))
    result = FrameInput((12, 8), expects=expects)(stored)
    expected = (2 * stored.double() / 255 - 1 - channels((0.5, 0.0, -0.25))) / 0.5
    torch.testing.assert_close(result.double(), expected, atol=1e-5, rtol=0)


def test_the_datas_mean_is_subtracted_on_the_scale_of_the_cnns_range() -> None:
    stored, mean = frames(2, 3, 8, 12), torch.rand(3, 8, 12) * 255
    result = FrameInput((12, 8), mean, expects=Expects(low=-1, high=1))(stored)
    expected = 2 * (stored.double() - mean.double()) / 255
    torch.testing.assert_close(result.double(), expected, atol=1e-5, rtol=0)


def test_without_any_mean_black_and_white_are_the_ends_of_the_range() -> None:
    stored = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].expand(2, 1, 4, 4)
    result = FrameInput((4, 4), channels=1, expects=Expects(low=-3, high=2))(stored)
    torch.testing.assert_close(result[:, 0, 0, 0], torch.tensor([-3.0, 2.0]))


def test_a_saved_mean_gives_the_same_frames_to_the_same_cnn() -> None:
    stored = frames(2, 3, 9, 11)
    for expects in (Expects(), Expects(low=-1, high=1), IMAGENET):
        for mean in (None, torch.rand(3, 8, 12) * 255):
            saved = FrameInput((12, 8), mean, expects=expects)
            again = FrameInput((12, 8), saved.mean, expects=expects)
            assert torch.equal(again(stored), saved(stored))


@pytest.mark.parametrize("expects", [Expects(), IMAGENET])
@pytest.mark.parametrize("stored_size", [(12, 8), (20, 17)])
def test_a_batch_of_clips_gets_the_same_numbers_to_the_bit(
    expects: Expects, stored_size: tuple[int, int]
) -> None:
    width, height = stored_size
    stored = frames(2, 3, height, width, 3)
    batch = ClipBatch(
        pixels=stored.flatten(),
        sizes=torch.tensor([[height, width]] * 2),
        labels=torch.zeros(2, dtype=torch.int64),
        frame_labels=torch.zeros(2, 3, dtype=torch.int64),
        num_valid=torch.tensor([3, 3]),
        indices=torch.arange(2),
        keys=("a", "b"),
        videos=("a", "b"),
    )
    preprocess = Preprocess((12, 8), torch.rand(3, 8, 12) * 255, expects=expects)
    assert torch.equal(preprocess.core(stored.permute(0, 1, 4, 2, 3)), preprocess(batch))


@pytest.mark.parametrize("expects", [Expects(), IMAGENET])
def test_it_can_be_exported_with_its_mean_for_any_number_of_frames(expects: Expects) -> None:
    module = FrameInput((12, 8), torch.rand(3, 8, 12) * 255, expects=expects)
    count = torch.export.Dim("count", min=2, max=64)
    exported = torch.export.export(
        module, (frames(4, 3, 16, 20),), dynamic_shapes={"frames": {0: count}}
    )
    other = frames(7, 3, 16, 20)
    assert torch.equal(exported.module()(other), module(other))
    assert torch.equal(exported.state_dict["mean"], module.mean)


def test_frames_of_other_channels_than_the_cnn_expects_are_refused() -> None:
    with pytest.raises(UsageError, match="expects a mean of 3 channels, and the frames have 1"):
        FrameInput((12, 8), channels=1, expects=IMAGENET)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"low": 1.0, "high": 1.0}, "the larger one"), ({"std": (1.0, 0.0)}, "above 0")],
)
def test_what_no_cnn_can_expect_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Expects(**values)  # type: ignore[arg-type]
