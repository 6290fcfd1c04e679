"""Stage 2: reads shards, trains the CNN-LSTM on them, and scores and predicts with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrcn_model.nets.cnn import Expects
    from lrcn_model.nets.net import LRCN
    from lrcn_model.nets.net_config import NetConfig, Part
    from lrcn_model.reading.augmentation import Augmentation
    from lrcn_model.reading.clip_batch import ClipBatch, collate
    from lrcn_model.reading.epoch_sampler import EpochSampler
    from lrcn_model.reading.preprocess import Preprocess
    from lrcn_model.reading.shard_dataset import ShardDataset
    from lrcn_model.reading.webdataset_reader import WebdatasetReader

__all__ = [
    "LRCN",
    "Augmentation",
    "ClipBatch",
    "EpochSampler",
    "Expects",
    "NetConfig",
    "Part",
    "Preprocess",
    "ShardDataset",
    "WebdatasetReader",
    "collate",
]

_MODULES = {
    "LRCN": "nets.net",
    "Augmentation": "reading.augmentation",
    "ClipBatch": "reading.clip_batch",
    "EpochSampler": "reading.epoch_sampler",
    "Expects": "nets.cnn",
    "NetConfig": "nets.net_config",
    "Part": "nets.net_config",
    "Preprocess": "reading.preprocess",
    "ShardDataset": "reading.shard_dataset",
    "WebdatasetReader": "reading.webdataset_reader",
    "collate": "reading.clip_batch",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that help texts don't wait for torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
