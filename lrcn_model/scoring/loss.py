"""What training minimizes, and how right a clip's scores are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from lrcn_model.scoring.loss_at import LOSS_AT, UNLABELLED
from lrcn_model.scoring.video_vote import VOTES


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClipLosses:
    """Losses and hits of a batch, summed over what has a label: clips, or frames.

    Attributes:
        loss: float32 (), the sum of the losses; it carries the gradient.
        weight: (), what this sum is divided by for the mean loss: the number of losses, or the sum
            of their weights.
        judged: (), the number of clips, or of frames, that have a label; others count nowhere.
        correct: (), the number of those whose class is recognized; where clips have sets of classes
            the sum of the shares that are.
        clips: int64 (), the number of clips with at least one labelled frame.
    """

    loss: Tensor
    weight: Tensor
    judged: Tensor
    correct: Tensor
    clips: Tensor

    @classmethod
    def of_clips(cls, loss: Tensor, clips: Tensor, correct: Tensor) -> Self:
        """Losses of clips that have a label each, or a set of them, and all count alike."""
        return cls(loss=loss, weight=clips, judged=clips, correct=correct, clips=clips)


def clip_losses(
    scores_BTC: Tensor,
    frame_labels_BT: Tensor,
    labels_B: Tensor,
    num_valid_B: Tensor,
    *,
    smoothing: float = 0.0,
    at: str = "every",
    average: str = "log-probs",
    class_weights_C: Tensor | None = None,
) -> ClipLosses:
    """Cross-entropy, averaged over the places in each clip where it is taken, summed over clips.

    A clip counts as recognized where the mean of its frames' votes is highest for its class.

    Args:
        scores_BTC: The scores before any softmax, float (clips, frames, classes).
        frame_labels_BT: The class number of each frame, int64 (clips, frames); -1 where a frame
            has none.
        labels_B: The class number of each clip, int64 (clips,).
        num_valid_B: The number of real frames of each clip, int64 (clips,).
        smoothing: The share of a frame's label that is spread over all classes (Szegedy et al.,
            "Rethinking the Inception Architecture for Computer Vision", 2016).
        at: The place in a clip where the loss is taken, among `loss_at.LOSS_AT`.
        average: The name of the kind of vote, among `video_vote.VOTES`.
        class_weights_C: How much a clip of each class counts, float (classes,); None for alike.
    """
    scores_BTC = scores_BTC.float()
    real_BT = real_frames(num_valid_B, scores_BTC.shape[1])
    # P: the places in a clip, which are its frames or fewer
    scores_BPC, labels_BP = LOSS_AT[at](scores_BTC, frame_labels_BT, labels_B, real_BT)
    count_B = (labels_BP != UNLABELLED).sum(dim=1)
    loss_BP = _smoothed_losses(scores_BPC, labels_BP, smoothing)
    loss_B = loss_BP.sum(dim=1) / count_B.clamp(min=1)
    counted_B = count_B > 0
    weight_B = counted_B.to(loss_B.dtype)
    if class_weights_C is not None:
        weight_B = weight_B * class_weights_C[labels_B]
    with torch.no_grad():
        vote = VOTES[average]
        votes_BTC = vote.of_frames(scores_BTC)
        votes_BC = (votes_BTC * vote.voting(real_BT)[..., None]).sum(dim=1)
        correct = ((votes_BC.argmax(dim=1) == labels_B) & counted_B).sum()
    clips = counted_B.sum()
    return ClipLosses(
        loss=(weight_B * loss_B).sum(),
        weight=weight_B.sum(),
        judged=clips,
        correct=correct,
        clips=clips,
    )


def losses_in_time(
    scores_BTC: Tensor,
    frame_labels_BT: Tensor,
    *,
    smoothing: float = 0.0,
    at: str = "every",
    class_weights_C: Tensor | None = None,
) -> ClipLosses:
    """Cross-entropy of frames that have classes of their own, summed over all of them.

    Every labelled frame counts alike, whatever else is in its window; what is judged are frames. At
    the last frame only, windows say of each frame what a net knows after all frames before it (An
    et al., "MiniROAD: Minimal RNN Framework for Online Action Detection", 2023).

    Args:
        scores_BTC: The scores before any softmax, float (clips, frames, classes).
        frame_labels_BT: The class number of each frame, int64 (clips, frames); -1 where a frame
            has none.
        smoothing: The share of a frame's label that is spread over all classes.
        at: The place in a clip where the loss is taken: "every" or "last".
        class_weights_C: How much a frame of each class counts, float (classes,); None for alike.
    """
    labelled_BT = frame_labels_BT != UNLABELLED
    scores_BPC, labels_BP = LOSS_AT[at](
        scores_BTC.float(), frame_labels_BT, frame_labels_BT[:, 0], labelled_BT
    )
    labelled_BP = labels_BP != UNLABELLED
    weight_BP = labelled_BP.float()
    if class_weights_C is not None:
        weight_BP = weight_BP * class_weights_C[labels_BP.clamp(min=0)]
    loss_BP = weight_BP * _smoothed_losses(scores_BPC, labels_BP, smoothing)
    with torch.no_grad():
        correct = ((scores_BPC.argmax(dim=-1) == labels_BP) & labelled_BP).sum()
    return ClipLosses(
        loss=loss_BP.sum(),
        weight=weight_BP.sum(),
        judged=labelled_BP.sum(),
        correct=correct,
        clips=labelled_BP.any(dim=1).sum(),
    )


def _smoothed_losses(scores_BTC: Tensor, labels_BT: Tensor, smoothing: float) -> Tensor:
    """The cross-entropy of each frame with its smoothed label, float32; 0 where it has no class."""
    log_probs_BTC = functional.log_softmax(scores_BTC, dim=-1)
    loss_BT = frame_losses(log_probs_BTC, labels_BT)
    if not smoothing:
        return loss_BT
    spread_BT = -log_probs_BTC.mean(dim=-1) * (labels_BT != UNLABELLED)
    return (1 - smoothing) * loss_BT + smoothing * spread_BT


def frame_losses(log_probs_BTC: Tensor, frame_labels_BT: Tensor) -> Tensor:
    """Cross-entropy of each frame, float32 (clips, frames); 0 where it has no class."""
    loss: Tensor = functional.nll_loss(
        log_probs_BTC.flatten(0, 1),
        frame_labels_BT.flatten(),
        ignore_index=UNLABELLED,
        reduction="none",
    )
    return loss.view(frame_labels_BT.shape)


def real_frames(num_valid_B: Tensor, seq_len: int) -> Tensor:
    """Which frames are real rather than repeated to fill up, bool (clips, frames)."""
    return torch.arange(seq_len, device=num_valid_B.device)[None] < num_valid_B[:, None]
