"""An LSTM over the frames of a clip, the head of the paper's net."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import LSTM_HIDDEN, NetConfig

_State: TypeAlias = tuple[Tensor, Tensor]


class LstmHead(nn.Module):
    """A head that carries what it has seen of a clip from frame to frame.

    Args:
        features: The number of features that the CNN gives for a frame.
        hidden: The number of units of the LSTM.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the LSTM's units.
        lstm: The LSTM itself.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(features, hidden, batch_first=True)

    @torch.no_grad()
    def initialize(self) -> None:
        """Set the LSTM's biases so that it remembers to begin with.

        Its biases become 0, but for a forget gate's, which is 1 as in Jozefowicz et al., "An
        Empirical Exploration of Recurrent Network Architectures" (2015). The weights stay as torch
        draws them.
        """
        first, second = (
            self.lstm.get_parameter("bias_ih_l0"),
            self.lstm.get_parameter("bias_hh_l0"),
        )
        nn.init.zeros_(first)
        nn.init.zeros_(second)
        # torch adds the two; its gates lie in the order input, forget, cell, output
        nn.init.ones_(first[self.hidden : 2 * self.hidden])

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: _State | None
    ) -> tuple[Tensor, _State]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: The CNN's features, float (clips, frames, features).
            lengths: Not used, since a frame's hidden values depend on no frame after it.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the state after the last frame.
        """
        hidden_BTH, state = self.lstm(features_BTF, state)
        assert state is not None
        return hidden_BTH, state


def build(config: NetConfig, features: int) -> LstmHead:
    """Build an LSTM with as many units as the head's value `hidden` says, 256 by default.

    Args:
        config: The net's config.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: `hidden` is no whole number above 0, or the head has another value.
    """
    hidden = config.head.filled(hidden=LSTM_HIDDEN)["hidden"]
    if not isinstance(hidden, int) or isinstance(hidden, bool) or hidden < 1:
        raise UsageError(
            f"the head lstm needs a whole number of at least 1 as hidden, got {hidden!r}; for no"
            " LSTM use --head none"
        )
    return LstmHead(features, hidden)
