"""Clips to score, as the features that a training with the same frozen CNN keeps beside its run."""

from __future__ import annotations

import torch
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_model.caching.cached_features import FeatureMaker
from lrcn_model.caching.feature_folder import FeatureFolder
from lrcn_model.caching.feature_key import FixedView, feature_key
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import Augmentation, ClipChange
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.trained_run import TrainedRun, folder_of

_MIRRORED = ClipChange(flip=True)


def with_known_features(
    run: TrainedRun,
    data: ShardDataset,
    *,
    workers: int,
    ranks: Ranks,
    change: ClipChange | None = None,
) -> Clips:
    """The clips with their features, if a training has kept features of the run's CNN.

    Those that are missing are computed and kept as well: whoever trains several heads on a CNN
    scores all of them on the same clips.

    Args:
        run: The trained net.
        data: The clips.
        workers: The number of processes that read shards; 0 for reading in this process.
        ranks: The processes that share the clips.
        change: What is done to each clip before; None for nothing. Of changed clips features are
            kept only of mirror images, where a training took these as its view 1.

    Returns:
        The clips; `data` itself where no features of this CNN are kept, or none can be added.

    Raises:
        ShardError: A shard is damaged.
    """
    try:
        runs = folder_of(run).beside
    except LrcnError:
        return data
    net, preprocess, processor = run.net, run.preprocess, run.processor
    if change not in (None, _MIRRORED):
        return data
    view = None if change is None else FixedView(number=1, augmentation=Augmentation(flip=1.0))
    key = feature_key(net, preprocess, processor, view, data.taken_frames)
    folder = FeatureFolder(runs, key)
    if not folder.is_writable():
        return data

    @torch.inference_mode()
    def compute(batch: ClipBatch) -> Tensor:
        with processor.autocast():
            changes = None if change is None else [change] * len(batch)
            return net.features(preprocess(batch, changes), batch.lengths)

    maker = FeatureMaker(compute=compute, workers=workers, processor=processor, ranks=ranks)
    cached = maker.cached(data, folder)
    assert cached is not None
    return cached
