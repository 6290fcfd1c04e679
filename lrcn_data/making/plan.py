"""The plan of a run: which videos go into which shard.

All of it is a pure function of lists, options and seed, so that any number of workers, in any
order, before or after a restart, write the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from lrcn_data.format.file_names import shard_name
from lrcn_data.format.sample_key import sample_key
from lrcn_data.lists.entry import Entry
from lrcn_data.splits import SPLITS


@dataclass(frozen=True, slots=True)
class PlannedVideo:
    """A list entry that will be read.

    Attributes:
        entry: The entry.
        position: Its position among all entries of its split, in the order in which they are dealt
            out to shards, counted from 0. The keys of its samples are made from it.
    """

    entry: Entry
    position: int

    def key(self, clip: int) -> str:
        """The key of the sample that holds one of its clips; see `format.sample_key`."""
        return sample_key(self.entry.split, self.position, self.entry.path, clip)


@dataclass(frozen=True, slots=True)
class PlannedShard:
    """A shard that will be written.

    Attributes:
        name: The shard's name, without an ending.
        split: `train`, `val` or `test`.
        videos: The entries that go into the shard, in the order in which they are read.
    """

    name: str
    split: str
    videos: Sequence[PlannedVideo]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSoFar:
    """What a split has already, on which more shards follow.

    Attributes:
        first_count: The number of shards that it was first made with.
        shards: The number of its shards.
        videos: The number of its entries.
    """

    first_count: int
    shards: int
    videos: int


_NOTHING: Mapping[str, SplitSoFar] = MappingProxyType({})


def plan_shards(
    entries: Iterable[Entry],
    *,
    seed: int,
    videos_per_shard: int | None,
    so_far: Mapping[str, SplitSoFar] = _NOTHING,
) -> list[PlannedShard]:
    """Deal the entries of each split out to its shards.

    The order is that of a hash of seed and path: it mixes the classes, and doesn't depend on the
    order of the lists.

    Args:
        entries: The entries of all lists.
        seed: The seed of the order of the entries.
        videos_per_shard: The largest number of entries in a shard; None for the default that
            `ShardOptions` describes.
        so_far: What each split has already, by its name; numbers and positions go on from there.

    Returns:
        The shards of all splits, in the order of the splits and of the shards' numbers.
    """
    by_split: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for entry in entries:
        by_split[entry.split].append(entry)
    shards = []
    for split, members in by_split.items():
        members.sort(key=lambda entry: _order(seed, entry))
        size = videos_per_shard or default_videos_per_shard(len(members))
        count = -(-len(members) // size)
        there = so_far.get(split) or SplitSoFar(first_count=count, shards=0, videos=0)
        for number in range(count):
            start = number * size
            videos = [
                PlannedVideo(entry, position)
                for position, entry in enumerate(
                    members[start : start + size], there.videos + start
                )
            ]
            name = shard_name(split, there.shards + number, there.first_count)
            shards.append(PlannedShard(name, split, videos))
    return shards


def default_videos_per_shard(videos: int) -> int:
    """The largest number of videos in a shard of a split of so many: a hundredth, 8 to 1,000."""
    return min(1000, max(8, -(-videos // 100)))


def _order(seed: int, entry: Entry) -> bytes:
    return hashlib.sha256(os.fsencode(f"{seed}\0{entry.path}")).digest()
