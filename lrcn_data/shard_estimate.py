"""How large a data set will be and how long it will take, from a few of its videos."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.clips import collect_clips
from lrcn_data.encode import JpegKeeper
from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.plan import PlannedShard, ShardOptions, root_path

_SAMPLE = 20
_TAR_OVERHEAD = 512 + 256
"""Bytes a member: its header, and half of the padding on average."""
_SURELY_ENOUGH = 1_000_000
"""Bytes a frame that no usual JPEG comes near."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What writing some shards would take.

    Attributes:
        sampled: Videos that were read for it.
        bytes: On disk.
        seconds: Of one worker.
    """

    sampled: int
    bytes: int
    seconds: float


def estimate(shards: Sequence[PlannedShard], options: ShardOptions, root: Path) -> Estimate:
    """Read up to 20 videos, spread evenly over the shards, and scale up; writes nothing."""
    videos = [video for shard in shards for video in shard.videos]
    sample = videos[:: max(1, -(-len(videos) // _SAMPLE))]
    keeper = JpegKeeper(size=options.size, canvas=options.canvas, quality=options.quality)
    size = 0
    began = time.perf_counter()
    for video in sample:
        try:
            path = root_path(root, video.entry)
            found = collect_clips(path, video.entry.path, options.clip, keeper)
        except VideoError:
            continue
        size += sum(len(jpeg) + _TAR_OVERHEAD for clip in found.clips for jpeg in clip.frames)
        size += 4 * _TAR_OVERHEAD * len(found.clips)
    seconds = time.perf_counter() - began
    scale = len(videos) / max(1, len(sample))
    arrays = len(shards) * options.canvas[0] * options.canvas[1] * 3 * 8
    return Estimate(
        sampled=len(sample), bytes=round(size * scale) + arrays, seconds=seconds * scale
    )


def refuse_small_disk(
    shards: Sequence[PlannedShard], options: ShardOptions, *, root: Path, folder: Path
) -> None:
    """Refuse to start what the disk has no room for.

    Raises:
        LrcnError: The free space is below the estimate and a tenth more.
    """
    free = shutil.disk_usage(folder).free
    videos = sum(len(shard.videos) for shard in shards)
    most = videos * options.clip.clips * options.clip.seq_len * _SURELY_ENOUGH
    if not shards or (options.clip.sampling != "windows" and most < free):
        return
    needed = round(estimate(shards, options, root).bytes * 1.1)
    if needed > free:
        raise LrcnError(
            f"{folder} has {free / 1e6:,.0f} MB free, and about {needed / 1e6:,.0f} MB are needed;"
            " free some space or use another --out"
        )
