"""At which of a clip's frames the loss is taken (--loss-at).

Each place turns a clip's scores and labels at its frames into those that the loss is taken of;
where there are several of a clip, the clip's loss is the mean of theirs. torch need not be there to
know the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

UNLABELLED = -1
"""The class number of frames that have no class, or that only repeat the last real frame."""

LossPlace: TypeAlias = "Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]"
"""A function of scores (clips, frames, classes), the frames' labels (clips, frames), the clips'
labels (clips,), and which frames are real (clips, frames). It returns scores (clips, places,
classes) and their labels (clips, places), all -1 for a clip without a labelled frame."""


def _every(
    scores_BTC: Tensor, frame_labels_BT: Tensor, labels_B: Tensor, real_BT: Tensor
) -> tuple[Tensor, Tensor]:
    """Every labelled frame."""
    return scores_BTC, frame_labels_BT


def _last(
    scores_BTC: Tensor, frame_labels_BT: Tensor, labels_B: Tensor, real_BT: Tensor
) -> tuple[Tensor, Tensor]:
    """The last labelled frame, which is the last real one where the whole clip has a class."""
    labelled_BT = frame_labels_BT != UNLABELLED
    left_BT = labelled_BT.flip(1).cumsum(1).flip(1)
    return scores_BTC, frame_labels_BT.masked_fill(left_BT != 1, UNLABELLED)


def _mean(
    scores_BTC: Tensor, frame_labels_BT: Tensor, labels_B: Tensor, real_BT: Tensor
) -> tuple[Tensor, Tensor]:
    """The mean of the real frames' scores, against the clip's class.

    Its softmax is what the votes "log-probs" make of the clip: they average the same scores, each
    less a number of its frame, which the softmax doesn't see.
    """
    sum_BC = scores_BTC.where(real_BT[..., None], 0).sum(1)
    mean_BC = sum_BC / real_BT.sum(1, keepdim=True)
    labelled_B = (frame_labels_BT != UNLABELLED).any(1)
    return mean_BC[:, None], labels_B.where(labelled_B, UNLABELLED)[:, None]


EVERY, LAST, MEAN = "every", "last", "mean"

LOSS_AT: Mapping[str, LossPlace] = {EVERY: _every, LAST: _last, MEAN: _mean}
"""The places by name."""
