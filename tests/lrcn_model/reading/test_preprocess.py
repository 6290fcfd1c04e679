"""What the net sees, against torch's own functions applied clip by clip in float64."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lrcn_data.errors import UsageError
from lrcn_model import ClipBatch, Preprocess
from lrcn_model.reading.augmentation import Augmentation, ClipChange
from lrcn_model.reading.buffer_pool import BufferPool

UNCHANGED = ClipChange(left=0, top=0, scale=1, flip=False, brightness=1, contrast=1, saturation=1)


def batch_of(*sizes: tuple[int, int], seq_len: int = 3) -> ClipBatch:
    """Clips of random pixels, of frames (width, height)."""
    generator = torch.Generator().manual_seed(0)
    count = len(sizes)
    length = sum(seq_len * width * height * 3 for width, height in sizes)
    return ClipBatch(
        pixels=torch.randint(0, 256, (length,), dtype=torch.uint8, generator=generator),
        sizes=torch.tensor([(height, width) for width, height in sizes]),
        labels=torch.zeros(count, dtype=torch.int64),
        frame_labels=torch.zeros(count, seq_len, dtype=torch.int64),
        num_valid=torch.full((count,), seq_len),
        indices=torch.arange(count),
        keys=tuple(str(i) for i in range(count)),
        videos=tuple(str(i) for i in range(count)),
    )


def expected(batch: ClipBatch, size: tuple[int, int], mean: Tensor) -> Tensor:
    clips = []
    for frames in batch.clip_frames():
        clip = functional.interpolate(
            frames.permute(0, 3, 1, 2).double(), (size[1], size[0]), mode="bilinear", antialias=True
        )
        clips.append((clip - mean) / 255)
    return torch.stack(clips)


@pytest.mark.parametrize("sizes", [((20, 16), (20, 16)), ((20, 16), (9, 30), (12, 8))])
@pytest.mark.parametrize("size", [(12, 8), (20, 16)])
def test_frames_are_resized_and_lose_the_mean(
    sizes: tuple[tuple[int, int], ...], size: tuple[int, int]
) -> None:
    batch = batch_of(*sizes)
    mean = torch.rand(3, size[1], size[0]) * 255
    result = Preprocess(size, mean)(batch)
    assert result.shape == (len(sizes), 3, 3, size[1], size[0])
    assert result.dtype == torch.float32
    # the processor rounds to whole levels, in either direction of the resizing
    assert (result - expected(batch, size, mean)).abs().max() <= 1.01 / 255


def test_frames_of_the_right_size_are_exact() -> None:
    batch, mean = batch_of((12, 8)), torch.rand(3, 8, 12) * 255
    result = Preprocess((12, 8), mean)(batch)
    assert torch.allclose(result.double(), expected(batch, (12, 8), mean.double()), atol=1e-6)


@pytest.mark.parametrize("mean", [None, torch.tensor([1.0, 2.0, 3.0]), torch.ones(3, 1, 1)])
def test_the_mean_may_be_one_colour_or_nothing(mean: Tensor | None) -> None:
    batch = batch_of((12, 8))
    colour = torch.zeros(3, 1, 1) if mean is None else mean.view(3, 1, 1)
    result = Preprocess((12, 8), mean)(batch)
    assert torch.allclose(result.double(), expected(batch, (12, 8), colour.double()), atol=1e-6)


def test_frames_lie_in_memory_as_channels_last() -> None:
    result = Preprocess((6, 6))(batch_of((12, 8), (12, 8)))
    assert result.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


def test_a_clip_looks_the_same_in_any_batch() -> None:
    batch = batch_of((20, 16), (9, 30))
    preprocess = Preprocess((12, 8), torch.rand(3, 8, 12) * 255)
    together = preprocess(batch).clone()
    alone = ClipBatch(
        pixels=batch.clip_frames()[1].flatten(),
        sizes=batch.sizes[1:],
        labels=batch.labels[1:],
        frame_labels=batch.frame_labels[1:],
        num_valid=batch.num_valid[1:],
        indices=batch.indices[1:],
        keys=batch.keys[1:],
        videos=batch.videos[1:],
    )
    assert torch.allclose(preprocess(alone)[0], together[1], atol=1e-6)


def test_the_mean_is_saved_with_the_net() -> None:
    mean = torch.rand(3, 8, 12) * 255
    state = Preprocess((12, 8), mean).state_dict()
    assert list(state) == ["mean"]
    restored = Preprocess((12, 8), torch.zeros(3, 8, 12))
    restored.load_state_dict(state)
    assert torch.equal(restored.mean, mean)
    batch = batch_of((20, 16))
    assert torch.equal(restored(batch), Preprocess((12, 8), mean)(batch))


def test_memory_is_used_again_but_never_while_somebody_holds_it() -> None:
    preprocess = Preprocess((12, 8))
    first = preprocess(batch_of((12, 8)))
    kept, address = first.clone(), first.data_ptr()
    view = first[0, 0]
    del first
    assert preprocess(batch_of((20, 16))).data_ptr() != address
    assert torch.equal(view, kept[0, 0])
    del view
    addresses = set()
    for _ in range(5):
        addresses.add(preprocess(batch_of((20, 16))).data_ptr())
    assert len(addresses) <= 2


def test_of_free_memory_the_last_used_is_taken() -> None:
    pool = BufferPool()
    older, newer = pool.empty((10,), torch.uint8), pool.empty((10,), torch.uint8)
    address = newer.data_ptr()
    del older, newer
    assert [pool.empty((10,), torch.uint8).data_ptr() for _ in range(3)] == [address] * 3


def test_autograd_keeps_what_it_needs() -> None:
    preprocess = Preprocess((12, 8))
    weight = torch.ones(1, requires_grad=True)
    losses = [(preprocess(batch_of((12, 8))) * weight).sum() for _ in range(2)]
    expected_gradient = sum(preprocess(batch_of((12, 8))).sum() for _ in range(2))
    sum(losses).backward()  # type: ignore[union-attr]
    assert weight.grad is not None
    assert torch.allclose(weight.grad, expected_gradient, rtol=1e-4)


def test_a_module_can_be_copied() -> None:
    preprocess = Preprocess((12, 8), torch.ones(3))
    held = preprocess(batch_of((12, 8)))
    assert torch.equal(copy.deepcopy(preprocess)(batch_of((12, 8))), held)


@pytest.mark.parametrize(
    ("size", "mean", "words"),
    [
        ((0, 8), None, "--size must be at least 1x1, got 0x8"),
        ((12, 8), torch.zeros(3, 12, 8), "does not fit frames of 12x8"),
    ],
)
def test_impossible_sizes_are_refused(
    size: tuple[int, int], mean: Tensor | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        Preprocess(size, mean)


def test_nothing_is_varied_by_default() -> None:
    augmentation = Augmentation()
    assert not augmentation
    assert augmentation.draw(torch.arange(3), seed=0, epoch=0) == [UNCHANGED] * 3
    batch = batch_of((20, 16), (9, 30))
    preprocess = Preprocess((12, 8), torch.rand(3, 8, 12) * 255)
    plain = preprocess(batch).clone()
    assert torch.allclose(preprocess(batch, [UNCHANGED] * 2), plain, atol=1e-6)


def test_a_draw_depends_on_seed_epoch_and_clip_only() -> None:
    augmentation = Augmentation(crop=0.3, flip=0.5, jitter=0.4)
    assert augmentation
    together = augmentation.draw(torch.tensor([7, 3, 5]), seed=1, epoch=2)
    assert augmentation.draw(torch.tensor([5, 7]), seed=1, epoch=2) == [together[2], together[0]]
    draws = [
        augmentation.draw(torch.tensor([7]), seed=seed, epoch=epoch)[0]
        for seed in range(3)
        for epoch in range(3)
    ]
    assert len(set(draws)) == 9


def test_draws_stay_within_their_limits() -> None:
    changes = Augmentation(crop=0.3, flip=0.25, jitter=0.4).draw(
        torch.arange(4000), seed=0, epoch=0
    )
    assert all(0.7 <= c.scale <= 1 and 0 <= c.left <= 1 - c.scale + 1e-9 for c in changes)
    assert all(min(c.brightness, c.contrast, c.saturation) >= 0.6 for c in changes)
    assert all(max(c.brightness, c.contrast, c.saturation) <= 1.4 for c in changes)
    assert abs(sum(c.flip for c in changes) - 1000) < 120
    assert min(c.scale for c in changes) < 0.72
    assert max(c.left for c in changes) > 0.2


def test_a_flip_mirrors_frames_after_the_mean() -> None:
    batch = batch_of((12, 8))
    preprocess = Preprocess((12, 8), torch.rand(3, 8, 12) * 255)
    plain = preprocess(batch).clone()
    change = ClipChange(left=0, top=0, scale=1, flip=True, brightness=1, contrast=1, saturation=1)
    assert torch.allclose(preprocess(batch, [change]), plain.flip(-1), atol=1e-6)


def test_a_crop_keeps_the_same_part_of_all_frames_and_of_the_mean() -> None:
    batch = batch_of((24, 16))
    mean = torch.rand(3, 16, 24) * 255
    change = ClipChange(
        left=0.25, top=0.5, scale=0.5, flip=False, brightness=1, contrast=1, saturation=1
    )
    result = Preprocess((24, 16), mean)(batch, [change])
    frames = batch.frames[0].permute(0, 3, 1, 2).double()
    parts = functional.interpolate(
        (frames - mean)[..., 8:16, 6:18], (16, 24), mode="bilinear", antialias=True
    )
    assert (result[0] - parts / 255).abs().max() < 1.01 / 255


def test_colours_change_as_torchvision_defines_it() -> None:
    batch = batch_of((12, 8), seq_len=1)
    change = ClipChange(
        left=0, top=0, scale=1, flip=False, brightness=1.2, contrast=0.7, saturation=1.3
    )
    result = Preprocess((12, 8))(batch, [change])[0] * 255

    def grey(x: Tensor) -> Tensor:
        return 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]

    x = (batch.frames[0].permute(0, 3, 1, 2).double() * 1.2).clamp(0, 255)
    x = (0.7 * x + 0.3 * grey(x).mean()).clamp(0, 255)
    x = (1.3 * x - 0.3 * grey(x)).clamp(0, 255)
    assert (result - x).abs().max() < 1e-3


@pytest.mark.parametrize("options", [{"crop": 1.0}, {"flip": -0.1}, {"jitter": 2.0}])
def test_impossible_augmentations_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(options))} must be from 0 to"):
        Augmentation(**options)
