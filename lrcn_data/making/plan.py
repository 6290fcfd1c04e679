"""What a run will write: options, the videos of every shard, keys, and the fingerprint.

All of it is a pure function of lists, options and seed, so that any number of workers, in any
order, before or after a restart, write the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.format.frame_kinds import FRAME_KINDS, RGB_FRAMES, load_frame_kind
from lrcn_data.format.manifest import FORMAT_VERSION, Manifest
from lrcn_data.format.mean_image import Canvas
from lrcn_data.format.names import shard_name
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.kinds import plugin_versions
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.read_lists import Lists
from lrcn_data.sampling.clips import ClipOptions
from lrcn_data.sampling.samplings import name_of
from lrcn_data.size import Size
from lrcn_data.splits import SPLITS
from lrcn_data.video.decoders import load_decoder

_DEFAULT_CANVAS: Canvas = (320, 240)
_OF_PLUGINS = {"sampling_values": "the sampling's ", "plugins": "the version of "}
"""The manifest's options that hold values by name, and the words that go before such a name in a
sentence on how two data sets differ."""
_OF_NO_SAMPLING = {"stride": None, "clips": 1}
"""What the manifest has for these options where the sampling has no field of that name."""
_SLUG = 50
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardOptions:
    """The options that, beside the lists, decide the bytes of a data set.

    Attributes:
        clip: Which clips are taken, and how videos are decoded.
        size: The (width, height) of the stored frames in pixels; None for each video's own.
        mean_size: The (width, height) in pixels on which frames are summed up for the mean image;
            None for `size`, or for 320x240 if that is None too.
        quality: The JPEG quality, from 1 to 100.
        frame_kind: The name of the kind of frames, which says what is stored of each frame: `rgb`,
            or `package.module:Class` for a plug-in.
        videos_per_shard: The largest number of list entries in a shard; None for a hundredth of the
            split's entries, but at least 8 and at most 1,000.

    Raises:
        UsageError: A value is out of its range, or there can be no kind of frames of that name.
    """

    clip: ClipOptions
    size: Size | None = None
    mean_size: Size | None = None
    quality: int = 90
    frame_kind: str = RGB_FRAMES
    videos_per_shard: int | None = None

    def __post_init__(self) -> None:
        FRAME_KINDS.check(self.frame_kind)
        if not 1 <= self.quality <= 100:
            raise UsageError(f"--quality must be from 1 to 100, got {self.quality}")
        if self.videos_per_shard is not None and self.videos_per_shard < 1:
            raise UsageError(f"--videos-per-shard must be at least 1, got {self.videos_per_shard}")
        for name, size in (("size", self.size), ("mean-size", self.mean_size)):
            if size is not None and not all(1 <= side <= 8192 for side in size):
                raise UsageError(
                    f"--{name} must have sides from 1 to 8192, got {size[0]}x{size[1]}"
                )

    @property
    def canvas(self) -> Canvas:
        """The (width, height) in pixels on which frames are summed up."""
        return self.mean_size or self.size or _DEFAULT_CANVAS

    @property
    def layout(self) -> SampleLayout:
        """How the data set's samples are made up."""
        return SampleLayout(seq_len=self.clip.seq_len, frame_kind=load_frame_kind(self.frame_kind))

    def as_manifest(self) -> dict[str, Any]:
        """The options by name, as the manifest has them."""
        sampling = {**_OF_NO_SAMPLING, **self.clip.sampling.values()}
        return {
            "fps": str(self.clip.fps),
            "seq_len": self.clip.seq_len,
            "sampling": name_of(self.clip.sampling),
            "stride": sampling["stride"],
            "clips": sampling["clips"],
            "short": self.clip.short,
            "size": list(self.size) if self.size else None,
            "quality": self.quality,
            "seed": self.clip.seed,
            "videos_per_shard": self.videos_per_shard,
            "check": "full" if self.clip.decode.check_full else "auto",
            "salvage": self.clip.decode.salvage,
            "allow_demuxer": ",".join(sorted({*self.clip.decode.demuxers})),
            "allow_decoder": ",".join(sorted({*self.clip.decode.decoders})),
            **self._beyond_defaults(),
        }

    def _beyond_defaults(self) -> dict[str, Any]:
        """The entries that older versions don't have, such as those of plug-ins.

        They are recorded only where they differ from what older versions could do, so that the
        fingerprints of all other data sets stay what they were.
        """
        sampling = self.clip.sampling
        own = {
            name: value
            for name, value in sampling.values().items()
            if name not in ("seq_len", *_OF_NO_SAMPLING)
        }
        kind = self.layout.frame_kind
        parts = {
            "sampling_values": own,
            "frame_kind": "" if kind.name == RGB_FRAMES else kind.name,
            "plugins": plugin_versions([(name_of(sampling), type(sampling)), (kind.name, kind)]),
        }
        return {name: part for name, part in parts.items() if part}


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
        """Make the key of one of its samples, from the split, position, file name and clip number.

        Args:
            clip: The number of the clip in the video, counted from 0.
        """
        stem = os.path.splitext(os.path.basename(self.entry.path))[0]  # noqa: PTH119, PTH122
        slug = _NOT_IN_KEYS.sub("_", stem)[:_SLUG]
        return f"{self.entry.split}-{self.position:07d}-{slug}-{clip}"


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


def plan_shards(
    entries: Iterable[Entry], *, seed: int, videos_per_shard: int | None
) -> list[PlannedShard]:
    """Deal the entries of each split out to its shards.

    The order is that of a hash of seed and path: it mixes the classes, and doesn't depend on the
    order of the lists.

    Args:
        entries: The entries of all lists.
        seed: The seed of the order of the entries.
        videos_per_shard: The largest number of entries in a shard; None for the default that
            `ShardOptions` describes.

    Returns:
        The shards of all splits, in the order of the splits and of the shards' numbers.
    """
    by_split: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for entry in entries:
        by_split[entry.split].append(entry)
    shards = []
    for split, members in by_split.items():
        members.sort(key=lambda entry: _order(seed, entry))
        size = videos_per_shard or min(1000, max(8, -(-len(members) // 100)))
        count = -(-len(members) // size)
        for number in range(count):
            start = number * size
            videos = [
                PlannedVideo(entry, position)
                for position, entry in enumerate(members[start : start + size], start)
            ]
            shards.append(PlannedShard(shard_name(split, number, count), split, videos))
    return shards


def _order(seed: int, entry: Entry) -> tuple[bytes, str]:
    return hashlib.sha256(os.fsencode(f"{seed}\0{entry.path}")).digest(), entry.path


def plan_manifest(lists: Lists, options: ShardOptions, tools: Mapping[str, str]) -> Manifest:
    """Make the manifest of a data set that is not written yet, with its fingerprint.

    Args:
        lists: The lists of videos.
        options: The options that decide the data set's bytes.
        tools: The versions of the libraries that decode and encode, by their names.
    """
    hashes = {
        split: _hash_entries(entry for entry in lists.entries if entry.split == split)
        for split in SPLITS
        if any(entry.split == split for entry in lists.entries)
    }
    decides = {
        "format_version": FORMAT_VERSION,
        "options": options.as_manifest(),
        "lists": hashes,
        "classes": lists.classes,
        "tools": dict(tools),
        "canvas": list(options.canvas),
    }
    text = json.dumps(decides, sort_keys=True, ensure_ascii=True)
    return Manifest(
        complete=False,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        options=options.as_manifest(),
        lists=hashes,
        classes=list(lists.classes),
        tools=dict(tools),
        canvas=list(options.canvas),
    )


def _hash_entries(entries: Iterable[Entry]) -> str:
    whole = hashlib.sha256()
    for line in sorted(f"{entry.path}\0{entry.label}\n" for entry in entries):
        whole.update(os.fsencode(line))
    return whole.hexdigest()


def tool_versions(options: ShardOptions) -> dict[str, str]:
    """The versions of everything that decodes, converts and encodes frames, by name."""
    from importlib.metadata import version

    names = ("av", "numpy", "pillow", "simplejpeg")
    decoder = options.clip.decoder
    every = {name: version(name) for name in names}
    return {"decoder": decoder, **every, **load_decoder(decoder).tools()}


def differences(old: Manifest, new: Manifest) -> list[str]:
    """Say what makes the fingerprints of two data sets differ, a sentence for each difference."""
    found = []
    for name in sorted({*old.options, *new.options}):
        was, now = old.options.get(name), new.options.get(name)
        if name in _OF_PLUGINS:
            # of another plug-in, whose name is among the differences, all values are others
            both = _by_name(was).keys() & _by_name(now).keys()
            found += _value_differences(_OF_PLUGINS[name], _by_name(was), _by_name(now), both)
        elif was != now:
            found.append(f"--{name.replace('_', '-')} was {_shown(was)}, is {_shown(now)}")
    if list(old.canvas) != list(new.canvas):
        was, now = _shown(old.canvas), _shown(new.canvas)
        found.append(f"the canvas of the pixel sums was {was}, is {now}")
    if old.classes != new.classes:
        found.append(f"the class names differ ({len(old.classes)} before, {len(new.classes)} now)")
    for split in SPLITS:
        if old.lists.get(split) != new.lists.get(split):
            found.append(f"the {split} list has other entries")
    return found + _value_differences("", old.tools, new.tools, {*old.tools, *new.tools})


def _value_differences(
    what: str, old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]
) -> list[str]:
    """Write a sentence for each of the given names whose values differ."""
    return [
        f"{what}{name} was {old.get(name)}, is {new.get(name)}"
        for name in sorted(names)
        if old.get(name) != new.get(name)
    ]


def _by_name(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    """Write an option's value in the manifest as it would be given on the command line."""
    if value is None or value is False or value == "":
        return "not given"
    if value is True:
        return "given"
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


def root_path(root: Path, entry: Entry) -> str:
    """The path of an entry's file; `root` is the folder that paths in lists are relative to."""
    return os.path.join(root, entry.path)  # noqa: PTH118 - taking a Path apart is dear
