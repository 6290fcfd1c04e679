"""A job of a shard without videos, for tests of what happens to jobs."""

from __future__ import annotations

from pathlib import Path

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.making.plan import PlannedShard
from lrcn_data.making.shard_job import ShardJob
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.clip_options import ClipOptions


def empty_job(name: str = "train-000") -> ShardJob:
    """The job of the shard of that name."""
    return ShardJob(
        shard=PlannedShard(name, "train", []),
        root=".",
        folder=DataSetFolder("."),
        scratch=Path(),
        options=ShardOptions(clip=ClipOptions()),
        classes=[],
        fingerprint="",
        summed=True,
        finished=None,
        quarantine={},
    )
