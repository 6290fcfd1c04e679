"""GRUs over the frames of a clip: as LSTMs, with three quarters of their weights.

Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014).
"""

from __future__ import annotations

from torch import Tensor, nn

from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.recurrent_head import recurrent_head


class GruHead(nn.Module):
    """A head that carries what it has seen of a clip from frame to frame.

    Its first weights and biases are as torch draws them.

    Args:
        features: The number of features of a frame.
        hidden: The number of units of the GRU.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the GRU's units.
        gru: The GRU itself.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.gru = nn.GRU(features, hidden, batch_first=True)

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: The features, float (clips, frames, features).
            lengths: Not used, since a frame's hidden values depend on no frame after it.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the state after the last frame.
        """
        hidden_BTH, state = self.gru(features_BTF, state)
        assert state is not None
        return hidden_BTH, state


def build(config: NetConfig, features: int) -> nn.Module:
    """Build a GRU, or several, as the head's values say; `heads.HEAD_VALUES` has the defaults.

    Args:
        config: The net's config.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The head has an unknown value, or one that is out of range.
    """
    return recurrent_head(config, features, GruHead)
