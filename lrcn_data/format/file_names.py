"""How the files of a data set are named; `sample_layout` names the members of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFEST = "dataset.json"
"""The file that describes the data set."""

REJECTED = "rejected.jsonl"
"""The file that lists the entries that gave no clip, or not all of their clips."""

META = ".meta"
"""The folder of the files about each shard."""


def shard_name(split: str, number: int, count: int) -> str:
    """Name a shard, without an ending, by its split and number.

    Args:
        split: `train`, `val` or `test`.
        number: The number of the shard in its split, counted from 0. It is written with 3 digits,
            or as many as the last shard's number needs.
        count: The number of shards in the split.
    """
    return f"{split}-{number:0{max(3, len(str(count - 1)))}d}"


@dataclass(frozen=True, slots=True)
class ShardPaths:
    """Where a shard's files lie.

    Attributes:
        folder: The data set's folder.
        name: The shard's name, without an ending.
    """

    folder: Path
    name: str

    @property
    def tar(self) -> Path:
        """The tar, which holds the samples."""
        return self.folder / f"{self.name}.tar"

    @property
    def record(self) -> Path:
        """The record, whose presence marks the shard as done."""
        return self.folder / META / f"{self.name}.json"

    @property
    def index(self) -> Path:
        """The DALI index."""
        return self.folder / META / f"{self.name}.idx"

    @property
    def arrays(self) -> Path:
        """The arrays: pixel sums, and each sample's offset, length, checksum and label."""
        return self.folder / META / f"{self.name}.npz"
