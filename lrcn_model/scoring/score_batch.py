"""The scores of a batch: from its pixels, or from features that a CNN has made of them before."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.nets.net import LRCN
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess

_MOST_DIMS_OF_FEATURES = 3
"""Frames have more."""


def score_batch(
    net: LRCN,
    preprocess: Preprocess,
    batch: ClipBatch,
    changes: Sequence[ClipChange] | None = None,
    carried: CarriedState | None = None,
) -> Tensor:
    """Score every class at every frame of clips.

    Args:
        net: The net.
        preprocess: The module that turns stored pixels into what the net sees.
        batch: The clips, on the net's device.
        changes: What is done to each clip before, where it has pixels; None for nothing.
        carried: What the head has seen of the windows before, which come in the order of their
            videos; None where it begins anew.

    Returns:
        The scores before any softmax or sigmoid, float (clips, frames, classes).
    """
    if carried is not None:
        seen = preprocess(batch, changes) if batch.features is None else batch.features
        return carried_scores(net, seen, batch, carried)
    if batch.features is not None:
        return net.score_features(batch.features, batch.lengths, None)[0]
    scores_BTC: Tensor = net(preprocess(batch, changes), batch.lengths)
    return scores_BTC


def carried_scores(net: LRCN, seen: Tensor, batch: ClipBatch, carried: CarriedState) -> Tensor:
    """Score windows whose head goes on where the windows before have ended.

    Args:
        net: The net, with a causal head.
        seen: The preprocessed frames, or the features if the batch has them or the CNN is frozen.
        batch: The windows.
        carried: What the head has seen of the windows before.

    Returns:
        The scores before any softmax, float (windows, frames, classes).
    """
    assert batch.positions is not None
    is_features = seen.dim() <= _MOST_DIMS_OF_FEATURES
    features = seen if is_features else net.features(seen, batch.lengths)
    videos = list(zip(batch.videos, batch.sources, strict=True))
    return carried.score(net, features, batch.lengths, videos, batch.positions.tolist())
