"""LSTMs over the frames of a clip; a single one is the head of the paper's net."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.recurrent_head import recurrent_head

_State: TypeAlias = tuple[Tensor, Tensor]


class LstmHead(nn.Module):
    """A head that carries what it has seen of a clip from frame to frame.

    It remembers to begin with: its biases are 0, but for the forget gate's, which is 1 as in
    Jozefowicz et al., "An Empirical Exploration of Recurrent Network Architectures" (2015). The
    weights are as torch draws them.

    Args:
        features: The number of features of a frame.
        hidden: The number of units of the LSTM.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the LSTM's units.
        lstm: The LSTM itself.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        _remember(self.lstm)

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: _State | None
    ) -> tuple[Tensor, _State]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: The features, float (clips, frames, features).
            lengths: Not used, since a frame's hidden values depend on no frame after it.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the state after the last frame.
        """
        hidden_BTH, state = self.lstm(features_BTF, state)
        assert state is not None
        return hidden_BTH, state


@torch.no_grad()
def _remember(lstm: nn.LSTM) -> None:
    """Set an LSTM's biases so that it remembers to begin with."""
    first, second = lstm.get_parameter("bias_ih_l0"), lstm.get_parameter("bias_hh_l0")
    nn.init.zeros_(first)
    nn.init.zeros_(second)
    # torch adds the two; its gates lie in the order input, forget, cell, output
    nn.init.ones_(first[lstm.hidden_size : 2 * lstm.hidden_size])


def build(config: NetConfig, features: int) -> nn.Module:
    """Build an LSTM, or several, as the head's values say; `heads.HEAD_VALUES` has the defaults.

    Args:
        config: The net's config.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The head has an unknown value, or one that is out of range.
    """
    return recurrent_head(config, features, LstmHead)
