"""CNNs of other libraries: their classifiers, less the last layer."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.net_config import NetConfig

IMAGENET = Expects(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""What most nets trained on ImageNet expect."""


class LibraryCnn(nn.Module):
    """A CNN of another library.

    Args:
        config: The net's config, which says the frames' size and channels, and the dropout after
            the features.
        model: A module that turns frames (N, channels, height, width) into features
            (N, features).
        expects: The numbers that it expects its frames to be made of.
        pretrained: A function that gives the weights that its library has for it.

    Attributes:
        model: The module.
        expects: As given.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The module can't take frames of the config's size and channels.
    """

    def __init__(
        self,
        config: NetConfig,
        model: nn.Module,
        *,
        expects: Expects,
        pretrained: Callable[[], dict[str, Tensor]],
    ) -> None:
        super().__init__()
        self.model, self.expects = model, expects
        self.dropout = nn.Dropout(config.dropout)
        self._pretrained = pretrained
        self.features = _features(model, config)

    def forward(self, frames: Tensor) -> Tensor:
        """The features of frames (N, channels, height, width): (N, features)."""
        features: Tensor = self.dropout(self.model(frames))
        return features

    def library_weights(self) -> dict[str, Tensor]:
        """The pretrained weights that the library has, by the names of this module's."""
        return {f"model.{name}": value for name, value in self._pretrained().items()}


def import_library(module: str, config: NetConfig) -> Any:
    """Import a library that is no part of the installation.

    Args:
        module: The name of the module.
        config: The net's config, whose CNN is the library's.

    Raises:
        UsageError: It can't be imported, or the config gives the CNN values of its own.
    """
    config.cnn.filled()
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except Exception as error:
        # a build that doesn't go with torch's raises what it likes
        raise UsageError(
            f"--cnn {config.cnn.name}: {package} can't be imported ({error}); install with"
            f" `pip install {package}` the version that goes with torch {torch.__version__}"
        ) from error


def _features(model: nn.Module, config: NetConfig) -> int:
    """How many features a module gives for a frame."""
    width, height = config.size
    frame = torch.zeros(1, config.channels, height, width)
    training = model.training
    try:
        with torch.no_grad():
            given = model.eval()(frame)
    except Exception as error:
        raise UsageError(
            f"--cnn {config.cnn.name} can't take frames of {config.channels} channels and"
            f" {width}x{height} pixels ({error}); give another --size or --frame-input"
        ) from error
    model.train(training)
    if not isinstance(given, Tensor) or given.dim() != 2:
        raise UsageError(f"--cnn {config.cnn.name} gives no row of features for a frame")
    return given.shape[1]
