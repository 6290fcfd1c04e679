"""Clips of different lengths, side by side, as heads see them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def side_by_side(features_NF: Tensor, lengths: Sequence[int]) -> Tensor:
    """Put clips side by side, each filled up to the longest one by repeating its last frame.

    Args:
        features_NF: The features of all clips' frames, float (frames, features), one clip after
            another.
        lengths: The number of frames of each clip.

    Returns:
        Float (clips, frames of the longest clip, features).
    """
    longest = max(lengths)
    return torch.stack(
        [
            torch.cat([clip_TF, clip_TF[-1:].expand(longest - len(clip_TF), -1)])
            for clip_TF in torch.split(features_NF, list(lengths))
        ]
    )
