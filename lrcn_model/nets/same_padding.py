"""Convolutions whose output has the input's size divided by their stride, rounded up."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class SamePaddedConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's SAME does, also with a stride, which torch's doesn't.

    Where the zeros to add are odd in number, the one more is added at the right and at the bottom.

    Args:
        channels: The number of channels of the input.
        given: The number of channels of the output.
        kernel: The width and height of the kernel.
        stride: The step of the kernel, in both directions.
        groups: The number of groups that the channels are split into.
        bias: Whether there is a bias.
    """

    def __init__(
        self, channels: int, given: int, kernel: int, *, stride: int, groups: int, bias: bool
    ) -> None:
        super().__init__(channels, given, kernel, stride=stride, groups=groups, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of the padded input, (N, channels, height, width)."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (
            max((-(-pixels // stride) - 1) * stride + kernel - pixels, 0)
            for pixels in input.shape[-2:]
        )
        sides = (width // 2, width - width // 2, height // 2, height - height // 2)
        return super().forward(functional.pad(input, sides))


def same_conv(
    channels: int, given: int, kernel: int, *, stride: int = 1, groups: int = 1, bias: bool = True
) -> nn.Conv2d:
    """A convolution with "same" padding: torch's own where as many zeros go on either side."""
    if stride == 1 and kernel % 2:
        return nn.Conv2d(channels, given, kernel, padding="same", groups=groups, bias=bias)
    return SamePaddedConv2d(channels, given, kernel, stride=stride, groups=groups, bias=bias)
