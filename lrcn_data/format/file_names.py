"""How the files of a data set are named; `sample_layout` names the members of its samples.

Names are relative to the data set's folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MANIFEST = "dataset.json"
"""The file that describes the data set."""

REJECTED = "rejected.jsonl"
"""The file that lists the entries that gave no clip, or not all of their clips."""

DATA_CARD = "README.md"
"""The data set card."""

STATS = "stats.json"
"""What `lrcn-data stats` found out."""

MEAN_IMAGE = "mean.png"
"""The mean image as `lrcn-data stats` has drawn it."""

META = ".meta"
"""The folder of the files about the shards."""

PIXEL_SUM = f"{META}/pixel_sum.npz"
"""The pixel sum of the shards that will not change any more."""

STAGED = ".append"
"""The folder in which an append is made, until it is whole and moves into the data set."""

ENDING = ".tar"
"""The ending of a shard."""


def split_index(split: str) -> str:
    """Name the index of all shards of a split.

    Args:
        split: `train`, `val` or `test`.
    """
    return f"{META}/{split}.npy"


def added_entries(number: int) -> str:
    """Name the file with the entries that an append has added, given its number from 0."""
    return f"{META}/append-{number}.jsonl"


def shard_name(split: str, number: int, count: int) -> str:
    """Name a shard, without an ending, by its split and number.

    Args:
        split: `train`, `val` or `test`.
        number: The number of the shard in its split, counted from 0. It is written with 3 digits,
            or as many as the last shard's number needed when the split was first made; what is
            appended has more only where its own number needs them.
        count: The number of shards that the split was first made with.
    """
    return f"{split}-{number:0{max(3, len(str(count - 1)))}d}"


def part_name(shard: str, part: int) -> str:
    """Name a part of a shard whose samples don't fit into one tar.

    Args:
        shard: The shard's name, without an ending.
        part: The number of the part, counted from 0; the first one has the shard's own name.
    """
    return f"{shard}-{part}" if part else shard


def first_part(tar: str) -> str:
    """The name, without an ending, of the shard that a tar is a part of."""
    return re.sub(r"(-\d+)-\d+$", r"\1", tar.removesuffix(ENDING))


def is_further_part(tar: str) -> bool:
    """Whether a tar is another part of a shard than the first one."""
    return first_part(tar) + ENDING != tar


@dataclass(frozen=True, slots=True)
class ShardFiles:
    """The names of a shard's files.

    Attributes:
        name: The shard's name, without an ending.
    """

    name: str

    @classmethod
    def of(cls, tar: str) -> ShardFiles:
        """The files of the shard that has a tar."""
        return cls(tar.removesuffix(ENDING))

    @property
    def tar(self) -> str:
        """The tar, which holds the samples."""
        return f"{self.name}{ENDING}"

    @property
    def record(self) -> str:
        """The record, whose presence marks the shard as done."""
        return f"{META}/{self.name}.json"

    @property
    def dali_index(self) -> str:
        """The DALI index."""
        return f"{META}/{self.name}.idx"

    @property
    def arrays(self) -> str:
        """The arrays: each sample's offset, length, checksum and label, and the pixel sums."""
        return f"{META}/{self.name}.npz"
