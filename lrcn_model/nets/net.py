"""The network: a CNN for each frame, an LSTM over a clip's frames, and a class at every frame.

Frames come in as `Preprocess` gives them. What is made of the scores is in `loss` and `scoring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError

Cnn = Literal["paper", "small"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """A convolution with "same" padding, ReLU, and what stands around it."""

    channels: int
    kernel: int
    batch_norm: bool
    pool: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cnn:
    """The convolutions, and the units of the fully connected layer after them."""

    blocks: tuple[_Block, ...]
    features: int


_CNNS: dict[str, _Cnn] = {
    "paper": _Cnn(
        blocks=(
            _Block(channels=64, kernel=7, batch_norm=True, pool=True),
            _Block(channels=96, kernel=5, batch_norm=True, pool=True),
            _Block(channels=128, kernel=3, batch_norm=False, pool=False),
            _Block(channels=128, kernel=3, batch_norm=False, pool=False),
            _Block(channels=196, kernel=3, batch_norm=False, pool=True),
        ),
        features=320,
    ),
    "small": _Cnn(
        blocks=tuple(
            _Block(channels=channels, kernel=3, batch_norm=True, pool=True)
            for channels in (16, 24, 32, 32, 48)
        ),
        features=128,
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NetConfig:
    """What a net is built from.

    Attributes:
        classes: How many.
        cnn: `paper`, from G. Thung and H. Jiang, "A Torch Library for Action Recognition and
            Detection Using CNNs and LSTMs", or `small`, for small frames and for CPUs.
        size: (width, height) of the frames.
        lstm_hidden: Units of the LSTM; 0 leaves it out, so that each frame is judged by itself.
        dropout: Probability, after the CNN's features and after the LSTM.
        channels: Of the frames.

    Raises:
        UsageError: A value out of range.
    """

    classes: int
    cnn: Cnn = "paper"
    size: tuple[int, int] = (216, 216)
    lstm_hidden: int = 256
    dropout: float = 0.5
    channels: int = 3

    def __post_init__(self) -> None:
        if self.cnn not in get_args(Cnn):
            raise UsageError(f"--cnn must be one of {', '.join(get_args(Cnn))}, got {self.cnn!r}")
        if self.classes < 1:
            raise UsageError(f"a net needs at least 1 class, got {self.classes}")
        if self.channels < 1:
            raise UsageError(f"a net needs frames of at least 1 channel, got {self.channels}")
        if self.lstm_hidden < 0:
            raise UsageError(f"--lstm-hidden must be at least 0, got {self.lstm_hidden}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"--dropout must be from 0 to below 1, got {self.dropout}")
        least = 2 ** sum(block.pool for block in _CNNS[self.cnn].blocks)
        if min(self.size) < least:
            raise UsageError(
                f"--size must be at least {least}x{least} for --cnn {self.cnn}, whose pools halve"
                f" it down to nothing otherwise, got {self.size[0]}x{self.size[1]}"
            )


class LRCN(nn.Module):
    """A CNN and an LSTM, the "long-term recurrent convolutional network" of Donahue et al.

    Args:
        config: What it is built from; its weights are drawn from torch's global generator.

    Attributes:
        config: The same.
        cnn: Frames (N, channels, H, W) to features (N, features).
        lstm: Features to hidden states along a clip; an identity where `lstm_hidden` is 0.
        classifier: Hidden states, or features, to scores.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.cnn, features = _build_cnn(config)
        if config.lstm_hidden:
            self.lstm: nn.Module = nn.LSTM(features, config.lstm_hidden, batch_first=True)
            self.dropout: nn.Module = nn.Dropout(config.dropout)
        else:
            self.lstm, self.dropout = nn.Identity(), nn.Identity()
        self.classifier = nn.Linear(config.lstm_hidden or features, config.classes)
        self.apply(_initialize)

    def forward(self, frames: Tensor) -> Tensor:
        """Score every class at every frame.

        Args:
            frames: float (clips, frames, channels, height, width), of the config's size.

        Returns:
            (clips, frames, classes), before any softmax; a frame's scores depend on the frames
            of its clip up to it.
        """
        clips, length = frames.shape[:2]
        features_BTF = self.cnn(frames.flatten(0, 1)).unflatten(0, (clips, length))
        states = self.lstm(features_BTF)
        hidden_BTH = states[0] if self.config.lstm_hidden else states
        scores: Tensor = self.classifier(self.dropout(hidden_BTH))
        return scores


def _build_cnn(config: NetConfig) -> tuple[nn.Sequential, int]:
    """The layers before the LSTM, and how many features they give."""
    plan = _CNNS[config.cnn]
    width, height = config.size
    layers: list[nn.Module] = []
    channels = config.channels
    for block in plan.blocks:
        layers.append(nn.Conv2d(channels, block.channels, block.kernel, padding="same"))
        channels = block.channels
        if block.batch_norm:
            layers.append(nn.BatchNorm2d(channels))
        if block.pool:
            # the paper pools after the ReLU, which gives the same numbers from four times as many
            layers.append(nn.MaxPool2d(2))
            width, height = width // 2, height // 2
        layers.append(nn.ReLU(inplace=True))
    layers += [
        nn.Flatten(),
        nn.Linear(channels * height * width, plan.features),
        nn.ReLU(inplace=True),
        nn.Dropout(config.dropout),
    ]
    return nn.Sequential(*layers), plan.features


@torch.no_grad()
def _initialize(module: nn.Module) -> None:
    """Kaiming weights, biases of 0, and an LSTM that starts with remembering.

    He et al., "Delving Deep into Rectifiers" (2015); a forget gate's bias of 1 is from Jozefowicz
    et al., "An Empirical Exploration of Recurrent Network Architectures" (2015). The LSTM's own
    weights stay as torch draws them.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, nn.LSTM):
        first, second = module.get_parameter("bias_ih_l0"), module.get_parameter("bias_hh_l0")
        nn.init.zeros_(first)
        nn.init.zeros_(second)
        # torch adds the two; its gates lie in the order input, forget, cell, output
        nn.init.ones_(first[module.hidden_size : 2 * module.hidden_size])
