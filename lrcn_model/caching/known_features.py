"""Clips to score, as the features that a training with the same frozen CNN keeps beside its run."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lrcn_model.caching.cached_features import FeatureMaker
from lrcn_model.caching.feature_folder import FeatureFolder
from lrcn_model.caching.feature_key import feature_key
from lrcn_model.nets.net import LRCN
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset


def with_known_features(
    data: ShardDataset,
    *,
    runs: Path,
    net: LRCN,
    preprocess: Preprocess,
    processor: Processor,
    workers: int,
    ranks: Ranks,
) -> Clips:
    """The clips with their features, if a training has kept features of this CNN.

    Those that are missing are computed and kept as well: whoever trains several heads on a CNN
    scores all of them on the same clips.

    Args:
        data: The clips.
        runs: The folder that the run's folder is in.
        net: The net, in evaluation mode.
        preprocess: The module that turns stored pixels into what the net sees.
        processor: The processor that the net runs on.
        workers: The number of processes that read shards; 0 for reading in this process.
        ranks: The processes that share the clips.

    Returns:
        The clips; `data` itself where no features of this CNN are kept, or none can be added.

    Raises:
        ShardError: A shard is damaged.
    """
    folder = FeatureFolder(runs, feature_key(net, preprocess, processor))
    if not folder.is_writable():
        return data

    @torch.inference_mode()
    def compute(batch: ClipBatch) -> Tensor:
        with processor.autocast():
            return net.features(preprocess(batch), batch.lengths)

    maker = FeatureMaker(compute=compute, workers=workers, processor=processor, ranks=ranks)
    cached = maker.cached(data, folder)
    assert cached is not None
    return cached
