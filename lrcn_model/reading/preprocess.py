"""Pixels as they were stored to what the net sees: resized, varied, less the mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_data.size import Size
from lrcn_model.nets.resize import resize
from lrcn_model.reading.augmentation import ClipChange, crop, jitter
from lrcn_model.reading.buffer_pool import BufferPool
from lrcn_model.reading.clip_batch import ClipBatch


class Preprocess(nn.Module):
    """Resizes a batch's frames to one size, subtracts the mean and divides by 255.

    Runs where the batch is. Frames are squeezed to the size, not cropped. What it needs is in
    its state_dict, so it is saved with the net.

    Args:
        size: (width, height) of what the net sees.
        mean: What is subtracted, from 0 to 255: a mean image (channels, height, width), a mean
            colour (channels,) or (channels, 1, 1), or None for nothing.
        channels: Of the frames.
        mirrored_channels: Channels whose values v become 255 - v when left and right are exchanged.

    Attributes:
        size: (width, height).
        mean: float32 (channels, height, width), or (channels, 1, 1) where it is one colour or
            nothing.

    Raises:
        UsageError: A size below 1, or a mean image of another size.
    """

    mean: Tensor
    _whole_offset: Tensor

    def __init__(
        self,
        size: Size,
        mean: Tensor | None = None,
        *,
        channels: int = 3,
        mirrored_channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        width, height = size
        if min(size) < 1:
            raise UsageError(f"--size must be at least 1x1, got {width}x{height}")
        self._has_mean = mean is not None
        if mean is None:
            mean = torch.zeros(channels)
        if mean.dim() == 1:
            mean = mean[:, None, None]
        if tuple(mean.shape) not in ((channels, 1, 1), (channels, height, width)):
            raise UsageError(
                f"a mean of shape {tuple(mean.shape)} does not fit frames of {width}x{height};"
                " ask the data set for the mean image of that size"
            )
        self.size = size
        self._channels, self._mirrored = channels, list(mirrored_channels)
        self.register_buffer("mean", mean.float().clone())
        # made once: for every batch of two clips it took 6 % of preprocessing
        self.register_buffer("_whole_offset", self._offset(self.mean), persistent=False)
        self.register_load_state_dict_post_hook(_renew_offset)  # type: ignore[no-untyped-call]
        self._buffers_to_reuse = BufferPool()

    @torch.no_grad()
    def forward(self, batch: ClipBatch, changes: Sequence[ClipChange] | None = None) -> Tensor:
        """What the net sees of a batch.

        Args:
            batch: Clips, of one stored size or of several.
            changes: What to vary in each clip, from `Augmentation.draw`; None for nothing.

        Returns:
            float32 (clips, frames, channels, height, width), with the memory of a channels_last
            tensor.
        """
        width, height = self.size
        shape = (len(batch), batch.seq_len, height, width, self._channels)
        result = self._empty(shape, batch.pixels.device).permute(0, 1, 4, 2, 3)
        if changes is None:
            for images_NCHW, target in _together(batch, result):
                _normalize(resize(images_NCHW, self.size), self._whole_offset, target)
        else:
            for frames, change, target in zip(batch.clip_frames(), changes, result, strict=True):
                self._varied(frames.permute(0, 3, 1, 2), change, target)
        return result

    def extra_repr(self) -> str:
        """The size, for printing the module."""
        return f"size={self.size[0]}x{self.size[1]}, mean={tuple(self.mean.shape)}"

    def _varied(self, images_NCHW: Tensor, change: ClipChange, target: Tensor) -> None:
        """Write one clip, varied, to where it belongs."""
        images_NCHW = resize(crop(images_NCHW, change), self.size)
        images_NCHW = jitter(images_NCHW.float(), change)
        mean = self.mean
        if mean.shape[-1] > 1 or mean.shape[-2] > 1:
            # every pixel loses the mean of the place that it comes from
            mean = resize(crop(mean[None], change), self.size)[0]
        if change.flip:
            images_NCHW = self._flipped(images_NCHW)
            # nothing to subtract stays nothing
            mean = self._flipped(mean) if self._has_mean else mean
        _normalize(images_NCHW, self._offset(mean), target)

    def _flipped(self, images: Tensor) -> Tensor:
        """Images, or their mean, float (..., channels, height, width), left and right exchanged."""
        images = images.flip(-1)
        if self._mirrored:
            images[..., self._mirrored, :, :] = 255 - images[..., self._mirrored, :, :]
        return images

    def _empty(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        if device.type == "cpu":
            return self._buffers_to_reuse.empty(shape, torch.float32)
        return torch.empty(shape, dtype=torch.float32, device=device)

    def _offset(self, mean: Tensor) -> Tensor:
        """The mean as it is added to pixels from 0 to 1, laid out in memory as they are."""
        width, height = self.size
        # one colour is spread over a whole image, which is six times faster than broadcasting
        offset = (mean / -255).expand(self._channels, height, width)[None]
        return offset.contiguous(memory_format=torch.channels_last)


def _renew_offset(preprocess: Preprocess, keys: object) -> None:
    """Follow a mean that was loaded."""
    preprocess._whole_offset = preprocess._offset(preprocess.mean)


def _together(batch: ClipBatch, result: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """What is handled at once: frames as (images, channels, H, W), and where they go to.

    A processor takes them clip by clip, so that what it has just resized is still in its cache.
    """
    if batch.pixels.device.type != "cpu" and batch.same_size:
        yield batch.frames.flatten(0, 1).permute(0, 3, 1, 2), result.flatten(0, 1)
        return
    for frames, target in zip(batch.clip_frames(), result, strict=True):
        yield frames.permute(0, 3, 1, 2), target


def _normalize(images_NCHW: Tensor, offset: Tensor, target: Tensor) -> None:
    """Write images / 255 + offset."""
    if target.device.type == "cpu":
        # adding uint8 to float32 in one call would make a copy in fresh memory on the way
        images_NCHW = target.copy_(images_NCHW)
    torch.add(offset, images_NCHW, alpha=1 / 255, out=target)
