"""Which samples of other data sets go into which shard of a new one.

A shard has samples of one data set only, since a video is known in a shard's record by its path,
which those of several may share.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lrcn_data.format.file_names import shard_name
from lrcn_data.format.records import LabelFinding, Rejection, ShardRecord, Source
from lrcn_data.joining.joined_options import count_option
from lrcn_data.joining.stored_videos import StoredSet, StoredVideo
from lrcn_data.making.plan import default_videos_per_shard
from lrcn_data.splits import SPLITS


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedShard:
    """A shard that will be written.

    Attributes:
        name: The shard's name, without an ending; empty until all shards of its split are known.
        split: `train`, `val` or `test`.
        origin: The number of the data set that its samples are from, counted from 0.
        videos: The videos that go into it, in order, with the clips that do.
        listed: The number of list entries that belong to it.
        rejected: The entries among them that gave no clip, or not all of them.
        sources: The files of its entries, as they were when they were decoded.
        labelling: What is unusual about the labels in time of its videos.
    """

    name: str
    split: str
    origin: int
    videos: Sequence[StoredVideo]
    listed: int
    rejected: list[Rejection] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    labelling: list[LabelFinding] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """The number of its samples."""
        return sum(len(video.clips) for video in self.videos)


def shards_as_they_are(
    stored: Sequence[StoredSet],
    videos: Sequence[Sequence[StoredVideo]],
    left_out: Sequence[Collection[tuple[str, str]]],
) -> list[JoinedShard]:
    """Plan a shard for each shard of data sets, so that one that doesn't change stays as it is.

    Entries that gave no clip stay in their shards; videos that are not taken leave them.

    Args:
        stored: The data sets.
        videos: The videos of each that are taken.
        left_out: Of each the entries without clips that are not taken: shard's name and path.
    """
    shards = []
    for origin, (one, its_videos) in enumerate(zip(stored, videos, strict=True)):
        of_shard: dict[str, list[StoredVideo]] = {name: [] for name in one.records}
        for video in its_videos:
            of_shard[video.shard].append(video)
        there: dict[str, set[str]] = {name: set() for name in one.records}
        for video in one.videos:
            there[video.shard].add(video.source.path)
        for name, record in one.records.items():
            gone = there[name] - {video.source.path for video in of_shard[name]}
            gone |= {path for shard, path in left_out[origin] if shard == name}
            shards.append(_shard(record, origin, of_shard[name], gone))
    return _named(shards)


def shards_anew(stored: StoredSet, videos: Sequence[StoredVideo]) -> list[JoinedShard]:
    """Deal videos of a data set out to new shards, as full as `lrcn-data shard` makes them.

    Entries that gave no clip are in none of them.

    Args:
        stored: The data set.
        videos: The videos that are taken, in their order in it.
    """
    shards = []
    for split in SPLITS:
        of_split = [video for video in videos if video.split == split]
        recorded = count_option(stored.manifest, "videos_per_shard")
        most = recorded or default_videos_per_shard(len(of_split))
        shards += [_subset_shard(stored.records, part) for part in _parts(of_split, most)]
    return _named(shards)


def _parts(videos: Sequence[StoredVideo], most: int) -> list[list[StoredVideo]]:
    """Divide videos into parts of at most so many, and no path twice in one."""
    parts: list[list[StoredVideo]] = []
    paths: set[str] = set()
    for video in videos:
        if not parts or len(parts[-1]) == most or video.source.path in paths:
            parts.append([])
            paths = set()
        parts[-1].append(video)
        paths.add(video.source.path)
    return parts


def _subset_shard(records: Mapping[str, ShardRecord], videos: Sequence[StoredVideo]) -> JoinedShard:
    names = dict.fromkeys(video.shard for video in videos)
    taken = {(video.shard, video.source.path) for video in videos}
    return JoinedShard(
        name="",
        split=videos[0].split,
        origin=0,
        videos=videos,
        listed=len(videos),
        rejected=[r for n in names for r in records[n].rejected if (n, r.path) in taken],
        sources=[video.source for video in videos],
        labelling=[f for n in names for f in records[n].labelling if (n, f.path) in taken],
    )


def _shard(
    record: ShardRecord, origin: int, videos: Sequence[StoredVideo], gone: set[str]
) -> JoinedShard:
    return JoinedShard(
        name="",
        split=record.entry.split,
        origin=origin,
        videos=videos,
        listed=record.entry.videos - len(gone),
        rejected=[line for line in record.rejected if line.path not in gone],
        sources=[source for source in record.sources if source.path not in gone],
        labelling=[finding for finding in record.labelling if finding.path not in gone],
    )


def _named(shards: Sequence[JoinedShard]) -> list[JoinedShard]:
    """The shards in the order of the splits, each with its name."""
    named = []
    for split in SPLITS:
        of_split = [shard for shard in shards if shard.split == split]
        named += [
            replace(shard, name=shard_name(split, number, len(of_split)))
            for number, shard in enumerate(of_split)
        ]
    return named
