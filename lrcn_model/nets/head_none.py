"""No head: each frame is judged by itself."""

from __future__ import annotations

from torch import Tensor, nn

from lrcn_model.nets.heads import HEAD_VALUES
from lrcn_model.nets.net_config import NetConfig


class FramesAlone(nn.Module):
    """A head that gives the CNN's features as they are.

    Args:
        features: The number of features that the CNN gives for a frame.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the features.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = features

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: None
    ) -> tuple[Tensor, None]:
        """The features themselves, and no state, since there is nothing to carry on."""
        return features_BTF, None


def build(config: NetConfig, features: int) -> FramesAlone:
    """Build a head that does nothing.

    Args:
        config: The net's config.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The config gives the head values of its own, of which this one has none.
    """
    config.head.filled(**HEAD_VALUES["none"])
    return FramesAlone(features)
