"""Stage 1: turns videos into WebDataset shards of frame sequences, and reads these shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrcn_data.lazy_names import lazy_names

if TYPE_CHECKING:
    from lrcn_data.demo.data_set import DemoOptions, write_demo
    from lrcn_data.errors import LrcnError, ShardError, UsageError, VideoError
    from lrcn_data.format.shard_reader import DataSet, open_data_set
    from lrcn_data.inspecting.rebuild_index import rebuild_index
    from lrcn_data.inspecting.stats import Stats, compute_stats
    from lrcn_data.inspecting.verify import Fault, verify
    from lrcn_data.lists.make_lists import make_lists, write_lists
    from lrcn_data.making.make_shards import make_shards, prepare_shards
    from lrcn_data.sampling.clips import read_clips

__all__ = [
    "DataSet",
    "DemoOptions",
    "Fault",
    "LrcnError",
    "ShardError",
    "Stats",
    "UsageError",
    "VideoError",
    "compute_stats",
    "make_lists",
    "make_shards",
    "open_data_set",
    "prepare_shards",
    "read_clips",
    "rebuild_index",
    "verify",
    "write_demo",
    "write_lists",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DataSet": "format.shard_reader",
        "DemoOptions": "demo.data_set",
        "Fault": "inspecting.verify",
        "LrcnError": "errors",
        "ShardError": "errors",
        "Stats": "inspecting.stats",
        "UsageError": "errors",
        "VideoError": "errors",
        "compute_stats": "inspecting.stats",
        "make_lists": "lists.make_lists",
        "make_shards": "making.make_shards",
        "open_data_set": "format.shard_reader",
        "prepare_shards": "making.make_shards",
        "read_clips": "sampling.clips",
        "rebuild_index": "inspecting.rebuild_index",
        "verify": "inspecting.verify",
        "write_demo": "demo.data_set",
        "write_lists": "lists.make_lists",
    },
)
