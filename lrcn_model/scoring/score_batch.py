"""The scores of a batch: from its pixels, or from features that a CNN has made of them before."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lrcn_model.nets.net import LRCN
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess


def score_batch(
    net: LRCN,
    preprocess: Preprocess,
    batch: ClipBatch,
    changes: Sequence[ClipChange] | None = None,
) -> Tensor:
    """Score every class at every frame of clips.

    Args:
        net: The net.
        preprocess: The module that turns stored pixels into what the net sees.
        batch: The clips, on the net's device.
        changes: What is done to each clip before, where it has pixels; None for nothing.

    Returns:
        The scores before any softmax or sigmoid, float (clips, frames, classes).
    """
    if batch.features is not None:
        return net.score_features(batch.features, batch.lengths, None)[0]
    scores_BTC: Tensor = net(preprocess(batch, changes), batch.lengths)
    return scores_BTC
