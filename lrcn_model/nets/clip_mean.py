"""The mean of a clip's features over its real frames."""

from __future__ import annotations

import torch
from torch import Tensor


def clip_mean(features_BTF: Tensor, lengths: Tensor | None) -> Tensor:
    """The mean of each clip's real frames, float (clips, 1, features).

    Args:
        features_BTF: The features, float (clips, frames, features).
        lengths: The number of real frames of each clip, int64 (clips,); None where all are.
    """
    if lengths is None:
        return features_BTF.mean(dim=1, keepdim=True)
    position_T = torch.arange(features_BTF.shape[1], device=lengths.device)
    real_BT1 = (position_T < lengths[:, None])[..., None]
    return features_BTF.where(real_BT1, 0).sum(dim=1, keepdim=True) / lengths[:, None, None]
