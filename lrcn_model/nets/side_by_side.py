"""Clips of different lengths, side by side, as heads see them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def side_by_side(frames: Tensor, lengths: Sequence[int]) -> Tensor:
    """Put clips side by side, each filled up to the longest one by repeating its last frame.

    Args:
        frames: What there is of all clips' frames, (frames, ...), one clip after another.
        lengths: The number of frames of each clip.

    Returns:
        (clips, frames of the longest clip, ...).
    """
    longest, others = max(lengths), (-1,) * (frames.dim() - 1)
    return torch.stack(
        [
            torch.cat([clip, clip[-1:].expand(longest - len(clip), *others)])
            for clip in torch.split(frames, list(lengths))
        ]
    )
