"""What a CNN sees of a clip's frames: themselves, their differences in time, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

FRAMES: Final = "frames"
DIFFERENCES: Final = "differences"
BOTH: Final = "both"

FRAME_INPUTS = (FRAMES, DIFFERENCES, BOTH)
"""What --frame-input takes."""


def as_seen(what: str, frames: Tensor) -> Tensor:
    """What a CNN sees of clips' frames.

    A difference is a frame less the frame before it; that of a clip's first frame is 0. Of frames
    that are less their mean, it is that of the frames as they are.

    Args:
        what: One of `FRAME_INPUTS`.
        frames: Preprocessed frames, float (..., frames, channels, height, width).

    Returns:
        float of the same shape; of `both` with twice the channels, those of the differences last.
        The frames themselves where nothing else is seen.
    """
    if what == FRAMES:
        return frames
    # torch is there by now, and whoever only names the inputs needs none
    import torch

    before = torch.cat([frames[..., :1, :, :, :], frames[..., :-1, :, :, :]], dim=-4)
    differences = frames - before
    return differences if what == DIFFERENCES else torch.cat([frames, differences], dim=-3)
