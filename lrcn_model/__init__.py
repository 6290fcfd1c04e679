"""Stage 2: reads shards, trains the CNN-LSTM on them, and scores and predicts with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrcn_model.augmentation import Augmentation
    from lrcn_model.clip_batch import ClipBatch, collate
    from lrcn_model.epoch_sampler import EpochSampler
    from lrcn_model.net import LRCN, NetConfig
    from lrcn_model.preprocess import Preprocess
    from lrcn_model.shard_dataset import ShardDataset
    from lrcn_model.webdataset_reader import WebdatasetReader

__all__ = [
    "LRCN",
    "Augmentation",
    "ClipBatch",
    "EpochSampler",
    "NetConfig",
    "Preprocess",
    "ShardDataset",
    "WebdatasetReader",
    "collate",
]

_MODULES = {
    "LRCN": "net",
    "Augmentation": "augmentation",
    "ClipBatch": "clip_batch",
    "EpochSampler": "epoch_sampler",
    "NetConfig": "net",
    "Preprocess": "preprocess",
    "ShardDataset": "shard_dataset",
    "WebdatasetReader": "webdataset_reader",
    "collate": "clip_batch",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that help texts don't wait for torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
