"""Stage 1: turns videos into WebDataset shards of frame sequences, and reads these shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrcn_data.lazy_names import lazy_names

if TYPE_CHECKING:
    from lrcn_data.demo.data_set import DemoOptions, write_demo
    from lrcn_data.errors import LrcnError, ShardError, UsageError, VideoError
    from lrcn_data.format.shard_reader import DataSet, open_data_set
    from lrcn_data.inspecting.data_page import PageOptions, make_data_page
    from lrcn_data.inspecting.preview import draw_preview
    from lrcn_data.inspecting.rebuild_index import rebuild_index
    from lrcn_data.inspecting.rejected_preview import draw_rejected
    from lrcn_data.inspecting.stats import Stats, compute_stats, write_stats
    from lrcn_data.inspecting.verify import Fault, verify
    from lrcn_data.joining.choose_videos import SubsetOptions
    from lrcn_data.joining.join import JoinResult
    from lrcn_data.joining.merge import merge
    from lrcn_data.joining.subset import subset
    from lrcn_data.lists.annotated_lists import AnnotationOptions
    from lrcn_data.lists.made_lists import MadeLists
    from lrcn_data.lists.make_folds import MadeFolds, make_folds, write_folds
    from lrcn_data.lists.make_lists import make_lists, write_lists
    from lrcn_data.making.make_shards import (
        ShardMaking,
        ShardValues,
        make_shards,
        prepare_shards,
    )
    from lrcn_data.making.run import RunResult
    from lrcn_data.making.shard_job import VideoReport
    from lrcn_data.sampling.clip_options import ClipOptions, ClipValues
    from lrcn_data.sampling.clips import Clip, VideoClips, read_clips

__all__ = [
    "AnnotationOptions",
    "Clip",
    "ClipOptions",
    "ClipValues",
    "DataSet",
    "DemoOptions",
    "Fault",
    "JoinResult",
    "LrcnError",
    "MadeFolds",
    "MadeLists",
    "PageOptions",
    "RunResult",
    "ShardError",
    "ShardMaking",
    "ShardValues",
    "Stats",
    "SubsetOptions",
    "UsageError",
    "VideoClips",
    "VideoError",
    "VideoReport",
    "compute_stats",
    "draw_preview",
    "draw_rejected",
    "make_data_page",
    "make_folds",
    "make_lists",
    "make_shards",
    "merge",
    "open_data_set",
    "prepare_shards",
    "read_clips",
    "rebuild_index",
    "subset",
    "verify",
    "write_demo",
    "write_folds",
    "write_lists",
    "write_stats",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AnnotationOptions": "lists.annotated_lists",
        "Clip": "sampling.clips",
        "ClipOptions": "sampling.clip_options",
        "ClipValues": "sampling.clip_options",
        "DataSet": "format.shard_reader",
        "DemoOptions": "demo.data_set",
        "Fault": "inspecting.verify",
        "JoinResult": "joining.join",
        "LrcnError": "errors",
        "MadeFolds": "lists.make_folds",
        "MadeLists": "lists.made_lists",
        "PageOptions": "inspecting.data_page",
        "RunResult": "making.run",
        "ShardError": "errors",
        "ShardMaking": "making.make_shards",
        "ShardValues": "making.make_shards",
        "Stats": "inspecting.stats",
        "SubsetOptions": "joining.choose_videos",
        "UsageError": "errors",
        "VideoClips": "sampling.clips",
        "VideoError": "errors",
        "VideoReport": "making.shard_job",
        "compute_stats": "inspecting.stats",
        "draw_preview": "inspecting.preview",
        "draw_rejected": "inspecting.rejected_preview",
        "make_data_page": "inspecting.data_page",
        "make_folds": "lists.make_folds",
        "make_lists": "lists.make_lists",
        "make_shards": "making.make_shards",
        "merge": "joining.merge",
        "open_data_set": "format.shard_reader",
        "prepare_shards": "making.make_shards",
        "read_clips": "sampling.clips",
        "rebuild_index": "inspecting.rebuild_index",
        "subset": "joining.subset",
        "verify": "inspecting.verify",
        "write_demo": "demo.data_set",
        "write_folds": "lists.make_folds",
        "write_lists": "lists.make_lists",
        "write_stats": "inspecting.stats",
    },
)
