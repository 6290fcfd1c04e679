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


def without_some_frames(seen: Tensor, share: float) -> Tensor:
    """Frames and differences of clips, of which some clips show their differences alone.

    So a net learns to tell classes by their movement as well, and not by the scene alone: dropout
    of a whole modality, as N. Neverova et al. have it in "ModDrop" (2016). What is left isn't
    scaled up: with normalized frames, 0 is the mean of the data.

    Args:
        seen: What `as_seen` gives of both, float (..., frames, 2 x channels, height, width).
        share: The probability with which the frames of a clip become 0, from torch's global
            generator.

    Returns:
        float of the same shape.
    """
    import torch

    shown = torch.rand(*seen.shape[:-4], 1, 1, 1, 1, device=seen.device) >= share
    frames, differences = seen.chunk(2, dim=-3)
    return torch.cat([frames * shown, differences], dim=-3)
