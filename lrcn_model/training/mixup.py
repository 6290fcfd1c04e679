"""Mixup (--mixup): a net learns from weighted means of two clips, and of what they are labelled.

H. Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018). What is mixed is what the part
that learns sees: frames, or the features of a frozen CNN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.distributions import Beta

from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.loss import ClipLosses


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mixing:
    """Which clips of a batch are mixed, and how.

    Attributes:
        partners: int64 (clips,), the place in the batch of the clip that each is mixed with.
        share: The weight of each clip itself, from 0 to 1; its partner has the rest.
    """

    partners: Tensor
    share: float

    def seen(self, values: Tensor) -> Tensor:
        """What the net sees, mixed: (clips, ...), as it came."""
        return torch.lerp(values[self.partners], values, self.share)

    def lengths(self, lengths: Tensor) -> Tensor:
        """The number of real frames of each mixed clip: that of the longer one, int64 (clips,)."""
        return torch.maximum(lengths, lengths[self.partners])

    def losses(self, batch: ClipBatch, of: Callable[[ClipBatch], ClipLosses]) -> ClipLosses:
        """The losses of mixed clips: the weighted mean of those by either label.

        Args:
            batch: The clips as they were before.
            of: The losses of the scores, given the clips whose labels count.
        """
        others = replace(
            batch,
            labels=batch.labels[self.partners],
            frame_labels=batch.frame_labels[self.partners],
            num_valid=batch.num_valid[self.partners],
        )
        own, other, rest = of(batch), of(others), 1 - self.share
        return ClipLosses(
            loss=self.share * own.loss + rest * other.loss,
            weight=self.share * own.weight + rest * other.weight,
            judged=self.share * own.judged + rest * other.judged,
            correct=self.share * own.correct + rest * other.correct,
            clips=own.clips,
        )


def draw_mixing(batch: ClipBatch, alpha: float) -> Mixing:
    """Draw how a batch is mixed, from torch's global generator, which each step begins anew.

    Args:
        batch: The clips, on the device where they are mixed.
        alpha: Both parameters of the beta distribution that the share is drawn from, above 0.
    """
    share = float(Beta(torch.tensor(alpha), torch.tensor(alpha)).sample())
    partners = torch.randperm(len(batch)).to(batch.num_valid.device)
    return Mixing(partners=partners, share=share)
