"""The mean of a clip's frames: the baseline that knows of no order."""

from __future__ import annotations

from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.clip_mean import clip_mean
from lrcn_model.nets.head_input import head_on
from lrcn_model.nets.heads import HEAD_VALUES
from lrcn_model.nets.net_config import NetConfig


class MeanHead(nn.Module):
    """A head that gives every frame of a clip the mean over the clip's real frames.

    So the classifier judges the clip as a whole: all of its frames get the same scores, whatever
    the loss is taken at and whatever votes. Not causal.

    Args:
        features: The number of features of a frame.

    Attributes:
        hidden: The number of hidden values for a frame, which is that of the features.
        causal: False, since the mean is over the frames to come as well.
    """

    causal = False

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = features

    def forward(
        self, features_BTF: Tensor, lengths: Tensor | None, state: None
    ) -> tuple[Tensor, None]:
        """Compute the mean of each clip's real frames.

        Args:
            features_BTF: The features, float (clips, frames, features).
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: Not used, since there is nothing to carry on.

        Returns:
            float (clips, frames, features), the same at all frames of a clip, and no state.
        """
        return clip_mean(features_BTF, lengths).expand_as(features_BTF), None


def build(config: NetConfig, features: int) -> nn.Module:
    """Build the mean of what the head's value `input` says.

    Args:
        config: The net's config.
        features: The number of features that the CNN gives for a frame.

    Raises:
        UsageError: The head has an unknown value, or one that is out of range.
    """
    values = config.head.filled(**HEAD_VALUES["mean"])
    if values["input"] == "centered":
        raise UsageError(
            "the head mean has no input centered, since the mean of that is 0; use gru"
        )
    return head_on(values["input"], features, MeanHead)
