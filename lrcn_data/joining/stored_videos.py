"""The videos of a finished data set, as far as one must know them to make others of its clips.

Of each sample its label and json are read, where its .idx says that they lie; no frame is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MANIFEST, META, ShardFiles, first_part
from lrcn_data.format.json_text import readable
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import NO_CLASS, SampleRecord, ShardRecord, Source
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.sample_members import parse_record
from lrcn_data.format.shard_index import REMEDY
from lrcn_data.format.shard_reader import DataSet, open_data_set

_READERS = 8
"""The number of threads that read; in a store each waits for answers most of the time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredClip:
    """A sample of a data set.

    Attributes:
        number: Its number in the data set, counted from 0 over all shards.
        key: Its key.
        frames: A hash of which frames of its video it has, and of their size: two clips of one
            file with the same hash are the same clip.
        classes: The numbers of all classes that it or a frame of it has.
    """

    number: int
    key: str
    frames: bytes
    classes: frozenset[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVideo:
    """A video that has samples in a data set.

    Attributes:
        source: Its file as it was when it was decoded.
        split: `train`, `val` or `test`.
        shard: The name of the shard that has its samples.
        clips: Its samples, in their order.
    """

    source: Source
    split: str
    shard: str
    clips: tuple[StoredClip, ...]

    @property
    def classes(self) -> list[int]:
        """The numbers of all classes that it or a frame of it has, ascending."""
        return sorted(frozenset[int]().union(*(clip.classes for clip in self.clips)))


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredSet:
    """A finished data set that others are made of.

    Attributes:
        data: Its samples.
        records: The record of each shard by the shard's name, in the manifest's order.
        videos: Its videos, in the order of their samples.
    """

    data: DataSet
    records: dict[str, ShardRecord]
    videos: list[StoredVideo]

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def folder(self) -> DataSetFolder:
        """The folder that it lies in."""
        return self.data.shards[0].folder

    @property
    def manifest(self) -> Manifest:
        """Its manifest."""
        return self.data.found.first_manifest


def open_stored_set(location: str, *, plugins: Collection[str] = ()) -> StoredSet:
    """Open a data set, and find out which videos it has.

    Args:
        location: The path or URL of its folder.
        plugins: The names of the plug-ins that may be imported, if one has made the frames.

    Raises:
        UsageError: A plug-in has made the frames that is not named.
        ShardError: The data set is missing, unfinished or damaged, or lacks its records.
    """
    # as a folder, whatever characters its name has
    data = open_data_set(DataSetFolder(location).location, plugins=plugins)
    folder = data.shards[0].folder
    records = _read_records(folder, data.found.first_manifest)
    return StoredSet(data=data, records=records, videos=_videos(data, records))


def _read_records(folder: DataSetFolder, manifest: Manifest) -> dict[str, ShardRecord]:
    records = {}
    for name in manifest.fingerprint_of():
        record = folder.read_record(name)
        location = folder.at(ShardFiles(name).record)
        if record is None:
            raise ShardError(
                f"{location} is not there, which says which videos the shard has; copy {META} too"
            )
        if any(entry not in manifest.shards for entry in record.entries):
            raise ShardError(
                f"{location} says something else of the shard than {MANIFEST}; copy both again"
            )
        records[name] = record
    return records


def _videos(data: DataSet, records: dict[str, ShardRecord]) -> list[StoredVideo]:
    with ThreadPoolExecutor(_READERS) as pool:
        tars = list(pool.map(lambda number: list(_clips(data, number)), range(len(data.shards))))
    found: dict[tuple[str, str], list[StoredClip]] = {}
    split_of: dict[str, str] = {}
    for shard, clips in zip(data.shards, tars, strict=True):
        name = first_part(shard.entry.file)
        split_of[name] = shard.entry.split
        for path, clip in clips:
            found.setdefault((name, path), []).append(clip)
    sources = {
        (name, readable(source.path)): source
        for name, record in records.items()
        for source in record.sources
    }
    lost = next((place for place in found if place not in sources), None)
    if lost is not None:
        location = data.shards[0].folder.at(ShardFiles(lost[0]).record)
        raise ShardError(f"{location} doesn't name the video {lost[1]!r:.120}; copy it again")
    return [
        StoredVideo(
            source=sources[place],
            split=split_of[place[0]],
            shard=place[0],
            clips=tuple(clips),
        )
        for place, clips in found.items()
    ]


def _clips(data: DataSet, shard: int) -> Iterator[tuple[str, StoredClip]]:
    """Each sample of a tar, with its video's path."""
    first = sum(len(index) for index in data.indices[:shard])
    for number, record in enumerate(_sample_records(data, shard), first):
        classes = frozenset({*record.class_numbers, *record.labels} - {NO_CLASS})
        facts = repr((record.frame_times, record.width, record.height)).encode()
        frames = hashlib.blake2b(facts, digest_size=16).digest()
        clip = StoredClip(number=number, key=record.key, frames=frames, classes=classes)
        yield record.video, clip


def _sample_records(data: DataSet, number: int) -> Iterator[SampleRecord]:
    """The record of each sample of a tar, read at the place that the .idx names."""
    shard, index = data.shards[number], data.indices[number]
    name = ShardFiles.of(shard.entry.file).dali_index
    try:
        lines = shard.folder.read(name).decode("ascii").splitlines()[1:]
        if len(lines) != len(index):
            raise ShardError(f"has {len(lines)} lines for {len(index)} samples")
        ends = (index.offset + index.length).tolist()
        for line, start, end in zip(lines, index.offset.tolist(), ends, strict=True):
            yield _sample_record(shard.folder, shard.entry.file, line, (start, end), data.layout)
    except (OSError, ValueError, ShardError) as error:
        location = shard.folder.at(name)
        raise ShardError(f"{location} doesn't fit {shard.location}: {error}; {REMEDY}") from error


def _sample_record(
    folder: DataSetFolder, tar: str, line: str, extent: tuple[int, int], layout: SampleLayout
) -> SampleRecord:
    """Read the record of a sample, given its line of the .idx and its first byte and end."""
    words = line.split(" ")
    frames = len(words) // 4 - 2
    (_, label_start, label_size, _), (_, start, size, name) = words[-8:-4], words[-4:]
    first, label_end, end = int(label_start), int(label_start) + int(label_size), int(start)
    end += int(size)
    if not extent[0] <= first <= label_end <= int(start) <= end <= extent[1]:
        raise ShardError(f"{name} would lie outside of its sample")
    text = folder.read_range(tar, first, end - first)
    key = name.partition(".")[0]
    label, record = text[: int(label_size)], text[int(start) - first :]
    return parse_record(key, label, record, layout, frames=frames)
