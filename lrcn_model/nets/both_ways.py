"""A head that follows a clip in both directions."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class BothWays(nn.Module):
    """Two causal heads, one from a clip's first frame on, and one from its last real frame back.

    As torch's bidirectional layers, except that the frames after the last real one are told apart
    by the clips' lengths: packed sequences, which torch's need for that, are some five times slower
    on a GPU. Not causal.

    Args:
        ahead: The head that follows the frames in their order.
        back: The head that follows them backwards.

    Attributes:
        hidden: The number of hidden values for a frame: those of `ahead`, then those of `back`.
        causal: False, since half of the hidden values depend on the frames to come.
    """

    causal = False

    def __init__(self, ahead: nn.Module, back: nn.Module) -> None:
        super().__init__()
        self.hidden = cast(int, ahead.hidden) + cast(int, back.hidden)
        self.ahead = ahead
        self.back = back

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: None
    ) -> tuple[Tensor, None]:
        """Compute the hidden values of whole clips.

        Args:
            features_BTF: The features, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: Not used, since a clip can't be followed backwards piece by piece.

        Returns:
            float (clips, frames, hidden), and no state. What it has for frames that are not real
            means nothing.
        """
        ahead_BTH, _ = self.ahead(features_BTF, lengths, None)
        back_BTH, _ = self.back(_reversed(features_BTF, lengths), lengths, None)
        return torch.cat([ahead_BTH, _reversed(back_BTH, lengths)], dim=2), None


def _reversed(values_BTF: Tensor, lengths: Tensor | None) -> Tensor:
    """Each clip's real frames in reverse order, the others where they were."""
    if lengths is None:
        return values_BTF.flip(1)
    position_T = torch.arange(values_BTF.shape[1], device=lengths.device)
    from_end_BT = lengths[:, None] - 1 - position_T
    index_BT = torch.where(from_end_BT >= 0, from_end_BT, position_T)
    return values_BTF.gather(1, index_BT[..., None].expand_as(values_BTF))
