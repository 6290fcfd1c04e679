"""What training minimizes where a clip has a set of classes, and how right a clip's scores are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lrcn_model.scoring.loss import ClipLosses, real_frames


def set_losses(
    scores_BTC: Tensor, labels_BC: Tensor, num_valid_B: Tensor, *, smoothing: float = 0.0
) -> ClipLosses:
    """Binary cross-entropy, averaged over each clip's frames and classes, then summed over clips.

    Every real frame is to show all classes of its clip. The loss of a clip is the mean over its
    real frames, and then over the classes. `correct` has for each clip the share of its classes
    that are recognized, counting wrong ones: how many are in both sets, divided by how many are in
    either (Jaccard); 1 where both are empty. Recognized are the classes with a mean logit of the
    real frames of at least 0, a probability of a half.

    Args:
        scores_BTC: The scores before any sigmoid, float (clips, frames, classes).
        labels_BC: uint8 (clips, classes), 1 where a clip has a class.
        num_valid_B: The number of real frames of each clip, int64 (clips,).
        smoothing: The share of each answer that is spread over yes and no: 1 becomes 1 - half of
            it, 0 becomes half of it.
    """
    scores_BTC = scores_BTC.float()
    real_BT = real_frames(num_valid_B, scores_BTC.shape[1])
    loss_BT = frame_set_losses(scores_BTC, labels_BC, smoothing=smoothing) * real_BT
    loss = (loss_BT.sum(dim=1) / num_valid_B).sum()
    with torch.no_grad():
        mean_BC = (scores_BTC * real_BT[..., None]).sum(dim=1) / num_valid_B[:, None]
        correct = overlaps(mean_BC >= 0, labels_BC.bool()).sum()
    clips = torch.tensor(len(labels_BC), device=scores_BTC.device)
    return ClipLosses.of_clips(loss, clips, correct)


def frame_set_losses(scores_BTC: Tensor, labels_BC: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """The binary cross-entropy of each frame, averaged over the classes: float32 (clips, frames).

    Args:
        scores_BTC: The scores before any sigmoid, float32 (clips, frames, classes).
        labels_BC: uint8 (clips, classes), 1 where a clip has a class.
        smoothing: As in `set_losses`.
    """
    wanted_BC = labels_BC.to(scores_BTC.dtype) * (1 - smoothing) + smoothing / 2
    wanted_BTC = wanted_BC[:, None].expand_as(scores_BTC)
    loss_BTC = functional.binary_cross_entropy_with_logits(scores_BTC, wanted_BTC, reduction="none")
    return loss_BTC.mean(dim=-1)


def overlaps(one_BC: Tensor, other_BC: Tensor) -> Tensor:
    """How far pairs of sets agree (Jaccard), float64 (clips,); 1 where both are empty.

    Args:
        one_BC: bool (clips, classes).
        other_BC: bool (clips, classes).
    """
    both_B = (one_BC & other_BC).sum(dim=1).double()
    either_B = (one_BC | other_BC).sum(dim=1)
    return torch.where(either_B > 0, both_B / either_B.clamp(min=1), 1.0)
