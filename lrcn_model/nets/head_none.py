"""No head: each frame is judged by itself."""

from __future__ import annotations

from torch import Tensor, nn

from lrcn_model.nets.net_config import NetConfig


class FramesAlone(nn.Module):
    """Gives the CNN's features as they are.

    Args:
        features: That the CNN gives for a frame.

    Attributes:
        hidden: The same.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = features

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: None
    ) -> tuple[Tensor, None]:
        """The features themselves; there is nothing to carry on."""
        return features_BTF, None


def build(config: NetConfig, features: int) -> FramesAlone:
    """A head that does nothing.

    Raises:
        UsageError: The config's table has values, and this head has none.
    """
    config.head.filled()
    return FramesAlone(features)
