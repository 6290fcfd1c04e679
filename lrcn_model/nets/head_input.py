"""What of the CNN's features a head sees: themselves, or what sets a frame apart from others.

Any head can be given what its value `input` says by having it built through `head_on`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.clip_mean import clip_mean
from lrcn_model.nets.head import is_causal

INPUTS = ("features", "differences", "both", "centered")
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
        last_BF, inner = (features_BTF[:, 0], None) if state is None else state
        inputs_BTF = features_BTF - torch.cat([last_BF[:, None], features_BTF[:, :-1]], dim=1)
        if self._both:
            inputs_BTF = torch.cat([features_BTF, inputs_BTF], dim=2)
        hidden_BTH, inner = self.head(inputs_BTF, lengths, inner)
        return hidden_BTH, (features_BTF[:, -1], inner)


class HeadOnCentered(nn.Module):
    """A head that sees a frame's features less their mean over the clip's real frames.

    So what stays the same all along a clip, as a scene does, is not seen. The head is not causal.

    Args:
        features: The number of features that the CNN gives for a frame.
        build: Makes the head that sees them, given the number of values that it sees of a frame.

    Attributes:
        hidden: The number of hidden values for a frame.
        head: The head that sees what is left of the features.
    """

    causal = False

    def __init__(self, features: int, build: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.head = build(features)
        self.hidden = self.head.hidden

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: Any
    ) -> tuple[Tensor, Any]:
        """Compute the hidden values of clips' frames.

        Args:
            features_BTF: The CNN's features, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: None, since clips are seen as a whole.

        Returns:
            float (clips, frames, hidden), and the head's own state.
        """
        centered_BTF = features_BTF - clip_mean(features_BTF, lengths)
        hidden_BTH, state = self.head(centered_BTF, lengths, state)
        return hidden_BTH, state


class HeadWithDropout(nn.Module):
    """A head that sees its input after dropout, while it is trained.

    Args:
        head: The head.
        dropout: The probability with which a value is set to 0.

    Attributes:
        hidden: The number of hidden values for a frame.
        causal: Whether a frame's hidden values depend on no frame after it.
        head: The head.
    """

    def __init__(self, head: nn.Module, dropout: float) -> None:
        super().__init__()
        self.hidden = head.hidden
        self.causal = is_causal(head)
        self.dropout = nn.Dropout(dropout)
        self.head = head

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: Any
    ) -> tuple[Tensor, Any]:
        """Compute the hidden values of the frames that follow those which left a state.

        Args:
            features_BTF: What the head sees, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: The state after the frames before these; None at the start of the clips.

        Returns:
            float (clips, frames, hidden), and the head's own state.
        """
        hidden_BTH, state = self.head(self.dropout(features_BTF), lengths, state)
        return hidden_BTH, state


def head_on(what: str, features: int, build: Callable[[int], nn.Module]) -> nn.Module:
    """Build a head that sees what its value `input` says.

    Args:
        what: The value: `features`, `differences` (from the frame before), `both`, or `centered`
            (less their mean over the clip).
        features: The number of features that the CNN gives for a frame.
        build: Makes the head, given the number of values that it sees of a frame.

    Raises:
        UsageError: There is no such input.
    """
    if what not in INPUTS:
        raise UsageError(f"a head's input must be one of {', '.join(INPUTS)}, got {what!r}")
    if what == "features":
        return build(features)
    if what == "centered":
        return HeadOnCentered(features, build)
    return HeadOnDifferences(features, build, both=what == "both")
