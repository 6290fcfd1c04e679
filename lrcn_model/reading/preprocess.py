"""Turns stored pixels into what the net sees: resized, varied, less the mean.

What is done to tensors of frames is in `nets.frame_input`; this is what batches of clips need
besides: clips of several sizes, changes drawn for each clip, and memory that is used again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from lrcn_data.size import Size
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.frame_input import FrameInput
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.resize import resize
from lrcn_model.reading.augmentation import ClipChange, crop, jitter
from lrcn_model.reading.buffer_pool import BufferPool
from lrcn_model.reading.clip_batch import ClipBatch

_CORE = "core."
_DEFAULT = Expects()


class Preprocess(nn.Module):
    """Resizes a batch's frames to one size, subtracts the mean and scales what is left.

    It runs on the device that the batch is on. Frames are squeezed to the size, not cropped. The
    mean is in its state_dict, so that it is saved with the net.

    Args:
        size: (width, height), in pixels, of the frames that the net sees.
        mean: The mean that is subtracted, from 0 to 255: a mean image (channels, height, width), a
            mean colour (channels,) or (channels, 1, 1), or None for nothing.
        channels: The number of channels that the frames have.
        expects: The numbers that the CNN expects its frames to be made of; by default colours from
            0 to 1.
        mirrored_channels: Channels whose values v become 255 - v when left and right are exchanged.

    Attributes:
        core: The module that does the same to frames in a tensor, which `torch.export` takes.

    Raises:
        UsageError: The size is below 1x1, or a mean or a standard deviation does not fit the
            frames' channels or size.
    """

    def __init__(
        self,
        size: Size,
        mean: Tensor | None = None,
        *,
        channels: int = 3,
        expects: Expects = _DEFAULT,
        mirrored_channels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.core = FrameInput(size, mean, channels=channels, expects=expects)
        # a mean of the CNN's own is no property of the data, and stays as it is; so does none at
        # all, which weights have as zeros
        self._mirrors_mean = mean is not None and bool(mean.any()) and expects.mean is None
        self._mirrored = list(mirrored_channels)
        self._buffers_to_reuse = BufferPool()
        # saved under the names that it had before there was a core
        self.register_state_dict_post_hook(_without_core)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_with_core)  # type: ignore[no-untyped-call]

    @classmethod
    def for_net(
        cls, net: LRCN, mean: Tensor | None, *, mirrored_channels: Sequence[int] = ()
    ) -> Self:
        """Make the module that prepares batches for a net.

        Args:
            net: The net.
            mean: The mean that is subtracted, as the constructor takes it, unless the net's CNN has
                a mean of its own.
            mirrored_channels: Channels whose values v become 255 - v when left and right are
                exchanged.
        """
        config = net.config
        return cls(
            config.size,
            mean,
            channels=config.channels,
            expects=net.expects,
            mirrored_channels=mirrored_channels,
        )

    @property
    def size(self) -> Size:
        """(width, height), in pixels, of the frames that the net sees."""
        return self.core.size

    @property
    def mean(self) -> Tensor:
        """The mean, float32 (channels, height, width), or (channels, 1, 1) if it is one colour."""
        return self.core.mean

    @torch.no_grad()
    def forward(self, batch: ClipBatch, changes: Sequence[ClipChange] | None = None) -> Tensor:
        """What the net sees of a batch.

        Args:
            batch: The clips, of one stored size or of several.
            changes: The change of each clip, from `Augmentation.draw`; None for no changes.

        Returns:
            float32 (clips, frames, channels, height, width), with the memory of a channels_last
            tensor; of clips that differ in their number of frames float32 (frames, channels,
            height, width), one clip after another, which a net takes with `batch.lengths`.
        """
        core, clips = self.core, batch.clip_frames()
        width, height = core.size
        counts = [len(frames) for frames in clips]
        shape = (sum(counts), height, width, core.channels)
        result = self._empty(shape, batch.pixels.device).permute(0, 3, 1, 2)
        if changes is None:
            offset = core.whole_offset
            for images_NCHW, target in _together(batch, clips, result):
                _write(core, resize(images_NCHW, core.size), offset, target)
        else:
            targets = torch.split(result, counts)
            for frames, change, target in zip(clips, changes, targets, strict=True):
                self._varied(frames.permute(0, 3, 1, 2), change, target)
        if batch.frame_counts is not None:
            return result
        return result.view(len(batch), batch.seq_len, *result.shape[1:])

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
            mean = self._flipped(mean) if self._mirrors_mean else mean.flip(-1)
        _write(self.core, images_NCHW, self.core.offset(mean), target)

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


def _together(
    batch: ClipBatch, clips: Sequence[Tensor], result: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """The frames handled at once, as (images, channels, H, W), and the part of the result for them.

    A CPU takes them clip by clip, so that what it has just resized is still in its cache.
    """
    if batch.pixels.device.type != "cpu" and batch.same_size:
        yield batch.all_frames.permute(0, 3, 1, 2), result
        return
    targets = torch.split(result, [len(frames) for frames in clips])
    for frames, target in zip(clips, targets, strict=True):
        yield frames.permute(0, 3, 1, 2), target


def _write(core: FrameInput, images_NCHW: Tensor, offset: Tensor, target: Tensor) -> None:
    """Write scaled images to where they belong."""
    if target.device.type == "cpu":
        # adding uint8 to float32 in one call would make a copy in fresh memory on the way
        images_NCHW = target.copy_(images_NCHW)
    core.scaled(images_NCHW, offset, out=target)


def _without_core(preprocess: Preprocess, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + _CORE)]:
        state[prefix + name.removeprefix(prefix + _CORE)] = state.pop(name)


def _with_core(preprocess: Preprocess, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        state[prefix + _CORE + name.removeprefix(prefix)] = state.pop(name)
