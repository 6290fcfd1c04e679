"""An LSTM over the frames of a clip, the head of the paper's net."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import NetConfig

_State: TypeAlias = tuple[Tensor, Tensor]


class LstmHead(nn.Module):
    """Carries what it has seen of a clip from frame to frame.

    Args:
        features: That the CNN gives for a frame.
        hidden: Units of the LSTM.

    Attributes:
        hidden: The same.
        lstm: The layer.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.lstm = nn.LSTM(features, hidden, batch_first=True)

    @torch.no_grad()
    def initialize(self) -> None:
        """Have the LSTM start with remembering.

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
        """Hidden states of frames that follow those which left a state.

        Args:
            features_BTF: float (clips, frames, features).
            lengths: Not needed: a frame's state depends on no frame after it.
            state: What it returned for the frames before; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the state after the last frame.
        """
        hidden_BTH, state = self.lstm(features_BTF, state)
        assert state is not None
        return hidden_BTH, state


def build(config: NetConfig, features: int) -> LstmHead:
    """An LSTM of `hidden` units, 256 where the config's table doesn't say.

    Raises:
        UsageError: That is no whole number above 0, or the table has another value.
    """
    hidden = config.head.filled(hidden=256)["hidden"]
    if not isinstance(hidden, int) or isinstance(hidden, bool) or hidden < 1:
        raise UsageError(
            f"the head lstm needs a whole number of at least 1 as hidden, got {hidden!r}; for no"
            " LSTM use --head none"
        )
    return LstmHead(features, hidden)
