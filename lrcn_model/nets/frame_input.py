"""Stored frames as the net takes them: resized, less the mean, on the scale of the CNN.

A module on tensors alone, so that `torch.export` takes it. What batches of clips need besides is
in `reading.preprocess`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_data.size import Size, size_text
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.resize import resize

_WHITE = 255
_DEFAULT = Expects()


class FrameInput(nn.Module):
    """Resizes frames to one size, subtracts the mean and scales what is left.

    Frames are squeezed to the size, not cropped. The mean is in the state_dict.

    Args:
        size: (width, height), in pixels, of the frames that the net sees.
        mean: The mean of the data, from 0 to 255: an image (channels, height, width), a colour
            (channels,) or (channels, 1, 1), or None for subtracting nothing. It is not used where
            the CNN expects a mean of its own.
        channels: The number of channels that the frames have.
        expects: The numbers that the CNN expects its frames to be made of.

    Attributes:
        size: (width, height), in pixels, of the frames that the net sees.
        channels: The number of channels that the frames have.
        mean: The stored pixels that become 0, float32 (channels, height, width), or (channels, 1,
            1) where they are one colour.

    Raises:
        UsageError: The size is below 1x1, or a mean or a standard deviation does not fit the
            frames' channels or size.
    """

    mean: Tensor
    whole_offset: Tensor
    _levels_C11: Tensor

    def __init__(
        self,
        size: Size,
        mean: Tensor | None = None,
        *,
        channels: int = 3,
        expects: Expects = _DEFAULT,
    ) -> None:
        super().__init__()
        if min(size) < 1:
            raise UsageError(f"--size must be at least 1x1, got {size_text(size)}")
        self.size, self.channels = size, channels
        for name, values in (("mean", expects.mean), ("std", expects.std)):
            if values is not None and len(values) != channels:
                raise UsageError(
                    f"the CNN expects a {name} of {len(values)} channels, and the frames have"
                    f" {channels}; give it one number for each"
                )
        # how many stored levels are 1 for the net: a number where it is the same for all channels
        levels = [_WHITE * std / (expects.high - expects.low) for std in expects.std or (1.0,)]
        self._levels = levels[0] if len(set(levels)) == 1 else None
        levels_C11 = torch.tensor(levels).expand(channels)[:, None, None]
        self.register_buffer("_levels_C11", levels_C11.contiguous(), persistent=False)
        self.register_buffer("mean", self._stored_mean(mean, expects))
        # made once: for every batch of two clips it took 6 % of preprocessing
        self.register_buffer("whole_offset", self.offset(self.mean), persistent=False)
        self.register_load_state_dict_post_hook(_renew_offset)  # type: ignore[no-untyped-call]

    def forward(self, frames: Tensor) -> Tensor:
        """What the net sees of frames.

        Args:
            frames: Stored frames, uint8 (N, channels, height, width) or (clips, frames, channels,
                height, width).

        Returns:
            float32 of the same shape, except that height and width are those of `size`.
        """
        images_NCHW = resize(frames.flatten(0, -4), self.size).float()
        scaled_NCHW = self.scaled(images_NCHW, self.whole_offset)
        return scaled_NCHW.view(*frames.shape[:-3], *scaled_NCHW.shape[1:])

    def scaled(self, images_NCHW: Tensor, offset: Tensor, out: Tensor | None = None) -> Tensor:
        """Images divided by the number of stored levels that are 1 for the net, plus an offset.

        Args:
            images_NCHW: Resized images, uint8 or float32 (frames, channels, height, width).
            offset: What `offset` returned, float32 (1, channels, height, width).
            out: The tensor that the result is written to, which may be the images themselves; None
                for a new one.

        Returns:
            float32 (frames, channels, height, width).
        """
        if self._levels is not None:
            return torch.add(offset, images_NCHW, alpha=1 / self._levels, out=out)
        return torch.addcdiv(offset, images_NCHW.float(), self._levels_C11, out=out)

    def offset(self, mean: Tensor) -> Tensor:
        """The mean as it is added to scaled pixels, laid out in memory as they are.

        Args:
            mean: The mean, with values from 0 to 255, float32 (channels, height, width) of the
                size that the net sees, or (channels, 1, 1).

        Returns:
            float32 (1, channels, height, width), channels_last.
        """
        width, height = self.size
        levels = -self._levels_C11 if self._levels is None else -self._levels
        # one colour is spread over a whole image, which is six times faster than broadcasting
        offset = (mean / levels).expand(self.channels, height, width)[None]
        return offset.contiguous(memory_format=torch.channels_last)

    def extra_repr(self) -> str:
        """The size and the mean's shape, for printing the module."""
        return f"size={size_text(self.size)}, mean={tuple(self.mean.shape)}"

    def _stored_mean(self, mean: Tensor | None, expects: Expects) -> Tensor:
        """The mean that is subtracted, in stored levels: the CNN's own, else the data's."""
        width, height = self.size
        if expects.mean is not None or mean is None:
            own = torch.tensor(expects.mean or (0.0,) * self.channels, dtype=torch.float64)
            mean = (own - expects.low) * (_WHITE / (expects.high - expects.low))
        if mean.dim() == 1:
            mean = mean[:, None, None]
        if tuple(mean.shape) not in ((self.channels, 1, 1), (self.channels, height, width)):
            raise UsageError(
                f"a mean of shape {tuple(mean.shape)} does not fit frames of {width}x{height};"
                " ask the data set for the mean image of that size"
            )
        return mean.float().clone()


def _renew_offset(frame_input: FrameInput, keys: object) -> None:
    """Compute the offset anew after a mean was loaded."""
    frame_input.whole_offset = frame_input.offset(frame_input.mean)
