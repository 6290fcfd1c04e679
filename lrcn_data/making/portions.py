"""What each run has added to a data set: the first one, and then every append."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lrcn_data.format.append import Append
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.shard_writer import DEFAULT_SHARD_BYTES
from lrcn_data.lists.entry import Entry
from lrcn_data.making.fingerprint import fingerprint, hash_entries
from lrcn_data.making.plan import PlannedShard, SplitSoFar, plan_shards
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.splits import SPLITS

_OF_SHARDS = ("videos_per_shard", "shard_bytes")
"""The options in which an append may differ: they decide which shard a sample goes into, but no
byte of the sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """The shards that one run adds to a data set.

    Attributes:
        options: The options that decide the bytes of its shards.
        classes: The class names by class number, as they were then.
        tools: The versions of the libraries that decode and encode, by their names.
        lists: The SHA-256 of its entries, by split.
        fingerprint: The SHA-256 of all that decides the bytes of its shards, in hexadecimal.
        shards: Its shards, in the order of the splits and of their numbers.
    """

    options: ShardOptions
    classes: list[str]
    tools: Mapping[str, str]
    lists: Mapping[str, str]
    fingerprint: str
    shards: list[PlannedShard]

    def as_manifest(self) -> Manifest:
        """The manifest of a data set that has only this portion, as yet without its shards."""
        return Manifest(
            complete=False,
            fingerprint=self.fingerprint,
            options=self.options.as_manifest(),
            lists=dict(self.lists),
            classes=list(self.classes),
            tools=dict(self.tools),
            canvas=list(self.options.canvas),
        )

    def as_append(self, before: Portion) -> Append:
        """What the manifest says of this portion, which follows on another one."""
        shards, videos = dict.fromkeys(self.lists, 0), dict.fromkeys(self.lists, 0)
        for shard in self.shards:
            shards[shard.split] += 1
            videos[shard.split] += len(shard.videos)
        return Append(
            fingerprint=self.fingerprint,
            options=options_of_shards(self.options.as_manifest()),
            lists=dict(self.lists),
            classes=self.classes[len(before.classes) :],
            tools=dict(self.tools),
            shards=shards,
            videos=videos,
        )


def plan_portion(
    entries: Collection[Entry],
    options: ShardOptions,
    classes: Sequence[str],
    tools: Mapping[str, str],
    *,
    before: Sequence[Portion] = (),
) -> Portion:
    """Plan the shards that a run adds to those of the runs before it.

    Args:
        entries: The entries that go into the shards.
        options: The options that decide the shards' bytes.
        classes: The class names by class number.
        tools: The versions of the libraries that decode and encode, by their names.
        before: What the runs before have added.
    """
    hashes = hash_entries(entries)
    after = before[-1].fingerprint if before else ""
    return Portion(
        options=options,
        classes=list(classes),
        tools=tools,
        lists=hashes,
        fingerprint=fingerprint(options, hashes, classes, tools, after=after),
        shards=plan_shards(
            entries,
            seed=options.clip.seed,
            videos_per_shard=options.videos_per_shard,
            so_far=_so_far(before),
        ),
    )


def _so_far(portions: Iterable[Portion]) -> dict[str, SplitSoFar]:
    """What each split has already, of those that have something."""
    found: dict[str, SplitSoFar] = {}
    for portion in portions:
        for split in portion.lists:
            shards = [shard for shard in portion.shards if shard.split == split]
            there = found.get(split) or SplitSoFar(first_count=len(shards), shards=0, videos=0)
            found[split] = replace(
                there,
                shards=there.shards + len(shards),
                videos=there.videos + sum(len(shard.videos) for shard in shards),
            )
    return found


def in_order(portions: Iterable[Portion]) -> list[tuple[Portion, PlannedShard]]:
    """All shards, each with its portion, by split and number, as the manifest has them."""
    every = [(portion, shard) for portion in portions for shard in portion.shards]
    return [pair for split in SPLITS for pair in every if pair[1].split == split]


def options_of_shards(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options that a manifest has recorded, those in which an append may differ."""
    return {name: recorded[name] for name in _OF_SHARDS if name in recorded}


def with_options_of_shards(options: ShardOptions, recorded: Mapping[str, Any]) -> ShardOptions:
    """The same options, but for those in which an append may differ: these as they are recorded."""
    return replace(
        options,
        videos_per_shard=recorded.get("videos_per_shard"),
        shard_bytes=recorded.get("shard_bytes", DEFAULT_SHARD_BYTES),
    )


def recorded_runs(manifest: Manifest) -> list[Append]:
    """What the manifest says of each run, the first one included, with its classes added up."""
    first = Append(
        fingerprint=manifest.fingerprint,
        options=options_of_shards(manifest.options),
        lists=manifest.lists,
        classes=manifest.first_classes,
        tools=manifest.tools,
        shards={},
        videos={},
    )
    runs = [first]
    for append in manifest.appends:
        runs.append(replace(append, classes=[*runs[-1].classes, *append.classes]))
    return runs
