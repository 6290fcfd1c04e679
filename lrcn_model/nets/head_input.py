"""What of the CNN's features a head sees: themselves, how they change from frame to frame, or both.

Any head can be given what its value `input` says by having it built through `head_on`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.head import is_causal

INPUTS = ("features", "differences", "both")
"""What the value `input` of a head may be."""

_State: TypeAlias = tuple[Tensor, Any]


class HeadOnDifferences(nn.Module):
    """A head that sees the differences of a frame's features from those of the frame before.

    Those of the first frame are 0. The head is causal where the one that sees them is.

    Args:
        features: The number of features that the CNN gives for a frame.
        build: Makes the head that sees them, given the number of values that it sees of a frame.
        both: Whether that head sees the features as well, before the differences.

    Attributes:
        hidden: The number of hidden values for a frame.
        causal: Whether a frame's hidden values depend on no frame after it.
        head: The head that sees the differences.
    """

    def __init__(self, features: int, build: Callable[[int], nn.Module], *, both: bool) -> None:
        super().__init__()
        self.head = build(2 * features if both else features)
        self.hidden = self.head.hidden
        self.causal = is_causal(self.head)
        self._both = both

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: _State | None
    ) -> tuple[Tensor, _State]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: The CNN's features, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the last frame's features with the head's own state.
        """
        last_B1F, inner = (features_BTF[:, :1], None) if state is None else state
        inputs_BTF = features_BTF - torch.cat([last_B1F, features_BTF[:, :-1]], dim=1)
        if self._both:
            inputs_BTF = torch.cat([features_BTF, inputs_BTF], dim=2)
        hidden_BTH, inner = self.head(inputs_BTF, lengths, inner)
        return hidden_BTH, (features_BTF[:, -1:], inner)


def head_on(what: str, features: int, build: Callable[[int], nn.Module]) -> nn.Module:
    """Build a head that sees what its value `input` says.

    Args:
        what: The value: `features`, `differences` (from the frame before), or `both`.
        features: The number of features that the CNN gives for a frame.
        build: Makes the head, given the number of values that it sees of a frame.

    Raises:
        UsageError: There is no such input.
    """
    if what not in INPUTS:
        raise UsageError(f"a head's input must be one of {', '.join(INPUTS)}, got {what!r}")
    if what == "features":
        return build(features)
    return HeadOnDifferences(features, build, both=what == "both")
