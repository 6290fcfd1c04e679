"""How large a data set will be and how long it will take, from a few of its videos."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.frame_kind import Neighbour
from lrcn_data.making.frame_encoder import FrameEncoder
from lrcn_data.making.isolated_work import IsolatedWork
from lrcn_data.making.plan import PlannedShard
from lrcn_data.making.shard_job import ShardJob, VideoReport, read_planned
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.pixels import RGB
from lrcn_data.storage.folder import Folder

_SAMPLE = 20
_TAR_OVERHEAD = 512 + 256
"""The number of bytes that a tar adds to each member: its header, and half a block of padding on
average."""
_SURELY_ENOUGH = 1_000_000
"""A size of an encoded frame, in bytes, that no usual picture comes near."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What writing some shards would take.

    Attributes:
        sampled: The number of videos that were read for the estimate.
        bytes: The estimated size on disk in bytes.
        seconds: The estimated time in seconds that a single worker would take.
    """

    sampled: int
    bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """The size of some videos' samples in bytes, and the seconds that reading them took."""

    bytes: int
    seconds: float


class _SizeKeeper:
    """Encodes each frame, and keeps only the number of bytes that it then has."""

    def __init__(self, options: ShardOptions) -> None:
        self._encoder = FrameEncoder.of(options, summed=False)

    @property
    def neighbour(self) -> Neighbour:
        """The second frame that each one has to come with; see `FrameKind`."""
        return self._encoder.neighbour

    def begin(self) -> None:
        """Forget everything, because another video is read, or the same one again."""
        self._encoder.begin()

    def keep(self, rgb: RGB, number: int, neighbour: RGB | None, uses: int) -> int:
        """Encode a frame and give its size in bytes; see `sampling.clips.FrameKeeper`."""
        return len(self._encoder.keep(rgb, number, neighbour, uses))


def measure_videos(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> _Measured:
    """Read a job's videos without writing anything; see `worker_process.Work`."""
    keeper = _SizeKeeper(job.options)
    size = 0
    began = time.perf_counter()
    for position, video in enumerate(job.shard.videos):
        if position in job.quarantine:
            continue
        started(position)
        try:
            found, _ = read_planned(job, video, keeper)
        except VideoError as error:
            ended(VideoReport(clips=0, reason=error.reason))
            continue
        ended(VideoReport(clips=len(found.clips)))
        size += sum(frame + _TAR_OVERHEAD for clip in found.clips for frame in clip.frames)
        size += 4 * _TAR_OVERHEAD * len(found.clips)
    return _Measured(bytes=size, seconds=time.perf_counter() - began)


def estimate(shards: Sequence[PlannedShard], options: ShardOptions, root: str) -> Estimate:
    """Estimate what writing shards would take; nothing is written.

    Up to 20 videos, spread evenly over the shards, are read, and what they took is scaled up.

    Args:
        shards: The shards that would be written.
        options: The options that decide the shards' bytes.
        root: The folder or URL that the paths in the lists are relative to.
    """
    videos = [video for shard in shards for video in shard.videos]
    sample = videos[:: max(1, -(-len(videos) // _SAMPLE))]
    timeout = options.clip.decode.timeout
    with (
        TemporaryDirectory(prefix="lrcn-") as scratch,
        closing(IsolatedWork(work=measure_videos, timeout=timeout)) as measure,
    ):
        job = ShardJob(
            shard=PlannedShard("the estimate", "train", sample),
            root=root,
            folder=DataSetFolder(scratch),
            scratch=Path(scratch),
            options=options,
            classes=[],
            fingerprint="",
            summed=False,
            finished=None,
            quarantine={},
        )
        measured = measure(job).result
    scale = len(videos) / max(1, len(sample))
    arrays = (
        len(shards) * options.canvas[0] * options.canvas[1] * options.kind_of_frames.channels * 8
    )
    return Estimate(
        sampled=len(sample),
        bytes=round(measured.bytes * scale) + arrays,
        seconds=measured.seconds * scale,
    )


def refuse_small_disk(
    shards: Sequence[PlannedShard], options: ShardOptions, *, root: str, folder: Folder
) -> None:
    """Refuse to start a run that the disk has no room for.

    Args:
        shards: The shards that are to be written.
        options: The options that decide the shards' bytes.
        root: The folder or URL that the paths in the lists are relative to.
        folder: The data set's folder, which must exist; a store is taken to have room.

    Raises:
        LrcnError: The free space is less than 1.1 times the estimated size.
    """
    free = folder.free_bytes
    videos = sum(len(shard.videos) for shard in shards)
    sampling = options.clip.sampling
    clips = sampling.most_clips
    if not shards or free is None:
        return
    if clips is not None and videos * clips * sampling.seq_len * _SURELY_ENOUGH < free:
        return
    needed = round(estimate(shards, options, root).bytes * 1.1)
    if needed > free:
        raise LrcnError(
            f"{folder} has {free / 1e6:,.0f} MB free, and about {needed / 1e6:,.0f} MB are needed;"
            " free some space or use another --out"
        )
