"""How large a data set will be and how long it will take, from a few of its videos."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.making.isolated_work import IsolatedWork
from lrcn_data.making.plan import PlannedShard, ShardOptions
from lrcn_data.making.shard_job import ShardJob, VideoReport, read_planned
from lrcn_data.pixels import RGB

_SAMPLE = 20
_TAR_OVERHEAD = 512 + 256
"""Bytes a member: its header, and half of the padding on average."""
_SURELY_ENOUGH = 1_000_000
"""Bytes a frame that no usual picture comes near."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What some videos took: bytes of their samples, and seconds."""

    bytes: int
    seconds: float


class _SizeKeeper:
    """Keeps of each frame how many bytes it has when it is encoded."""

    def __init__(self, options: ShardOptions) -> None:
        self._encoder = FrameEncoder(
            kind=options.layout.frame_kind,
            size=options.size,
            canvas=options.canvas,
            quality=options.quality,
        )

    @property
    def neighbour(self) -> int:
        """Which other frame each is to come with; see `FrameKind`."""
        return self._encoder.neighbour

    def begin(self) -> None:
        """Forget everything: a video is read, or read anew."""
        self._encoder.begin()

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> int:
        """Bytes of an encoded frame; see `sampling.clips.FrameKeeper`."""
        return len(self._encoder.keep(rgb, number, neighbour, uses))


def measure_videos(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> _Measured:
    """Read a job's videos and write nothing; see `worker_process.Work`."""
    keeper = _SizeKeeper(job.options)
    size = 0
    began = time.perf_counter()
    for place, video in enumerate(job.shard.videos):
        if place in job.quarantine:
            continue
        started(place)
        try:
            found, _ = read_planned(job, video, keeper)
        except VideoError as error:
            ended(VideoReport(clips=0, reason=error.reason))
            continue
        ended(VideoReport(clips=len(found.clips)))
        size += sum(frame + _TAR_OVERHEAD for clip in found.clips for frame in clip.frames)
        size += 4 * _TAR_OVERHEAD * len(found.clips)
    return _Measured(bytes=size, seconds=time.perf_counter() - began)


def estimate(shards: Sequence[PlannedShard], options: ShardOptions, root: Path) -> Estimate:
    """Read up to 20 videos, spread evenly over the shards, and scale up; writes nothing."""
    videos = [video for shard in shards for video in shard.videos]
    sample = videos[:: max(1, -(-len(videos) // _SAMPLE))]
    job = ShardJob(
        shard=PlannedShard("the estimate", "train", sample),
        root=root,
        folder=root,
        options=options,
        classes=[],
        fingerprint="",
        finished=None,
        quarantine={},
    )
    timeout = options.clip.decode.timeout
    with closing(IsolatedWork(work=measure_videos, timeout=timeout)) as measure:
        measured = measure(job).result
    scale = len(videos) / max(1, len(sample))
    arrays = len(shards) * options.canvas[0] * options.canvas[1] * options.layout.channels * 8
    return Estimate(
        sampled=len(sample),
        bytes=round(measured.bytes * scale) + arrays,
        seconds=measured.seconds * scale,
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
    sampling = options.clip.sampling
    clips = sampling.most_clips
    if not shards or (
        clips is not None and videos * clips * sampling.seq_len * _SURELY_ENOUGH < free
    ):
        return
    needed = round(estimate(shards, options, root).bytes * 1.1)
    if needed > free:
        raise LrcnError(
            f"{folder} has {free / 1e6:,.0f} MB free, and about {needed / 1e6:,.0f} MB are needed;"
            " free some space or use another --out"
        )
