"""Heads one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from lrcn_model.nets.head import is_causal


class StackedHead(nn.Module):
    """Heads of which each sees the hidden values of the one before, with dropout between them.

    torch's own layers of several would do the same, but on a GPU the dropout in them is not drawn
    from the seed of the step (pytorch/pytorch issue 104697), and a training that goes on would draw
    other numbers.

    Args:
        heads: The heads, in the order in which a frame goes through them.
        dropout: The probability with which dropout sets a value between two of them to 0.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the last head.
        causal: Whether a frame's hidden values depend on no frame after it.
    """

    def __init__(self, heads: Sequence[nn.Module], dropout: float) -> None:
        super().__init__()
        self.hidden = heads[-1].hidden
        self.causal = all(is_causal(head) for head in heads)
        self.layers = nn.ModuleList(heads)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: list[Any] | None
    ) -> tuple[Tensor, list[Any]]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: The features, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the state of each head after the last frame.
        """
        values_BTF, after = features_BTF, []
        for number, head in enumerate(self.layers):
            before = None if state is None else state[number]
            values_BTF, own = head(
                self.dropout(values_BTF) if number else values_BTF, lengths, before
            )
            after.append(own)
        return values_BTF, after
