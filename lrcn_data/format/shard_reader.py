"""Opens data sets and reads their samples, at random, each with one read and checked.

Everything that decides whether shards may be used at all is here: the manifest, the index, sizes.
Decoding the frames is left to whoever wants them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.file_names import MANIFEST, META
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import Canvas
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.sample_members import MAX_FRAMES, MAX_PIXELS, Sample, parse_sample
from lrcn_data.format.shard_index import ShardIndex, load_pixel_sum
from lrcn_data.format.shard_patterns import (
    ENDING,
    Patterns,
    describe_folder,
    describe_names,
    expand_shards,
)
from lrcn_data.format.tar_members import BLOCK, MAX_END_BYTES, check_end
from lrcn_data.splits import SPLITS
from lrcn_data.storage import locations

_SHOWN = 3
_SHARD_FILE = re.compile(r"[A-Za-z0-9_-]{1,200}\.tar")
_RATE = re.compile(r"\d{1,9}(\.\d{1,9})?(/\d{1,9})?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """A shard that was found sound, as far as can be told without reading all of it.

    Attributes:
        location: The path or URL of the tar.
        entry: What the manifest says of the shard.
        canvas: The (width, height) of its pixel sums in pixels.
    """

    location: str
    entry: ShardEntry
    canvas: Canvas

    @property
    def arrays(self) -> str:
        """The location of its .npz."""
        return meta_location(self.location, "npz")

    def load_index(self) -> ShardIndex:
        """Read the offset, length, checksum and label of each of its samples.

        Raises:
            ShardError: The index is missing, damaged or that of another shard.
        """
        index = ShardIndex.load(self.arrays, samples=self.entry.samples)
        if index.end() > self.entry.bytes:
            raise ShardError(
                f"{self.arrays} has samples beyond the end of {self.location}; delete it and make"
                " it anew with `lrcn-data index`"
            )
        if self.entry.bytes - index.end() > MAX_END_BYTES:
            raise ShardError(
                f"{self.location} goes on for {self.entry.bytes - index.end():,} bytes after the"
                f" last sample that {self.arrays} has; make the shard anew"
            )
        return index

    def load_pixel_sum(self, channels: int) -> tuple[npt.NDArray[np.int64], int]:
        """Read its pixel sums, int64 (height, width, channels), and the number of frames in them.

        Args:
            channels: The number of channels of the frames.
        """
        return load_pixel_sum(self.arrays, canvas=self.canvas, channels=channels)


class DataSet:
    """The samples of shards, numbered from 0 over all of them.

    The shards are of one data set, or of several that agree. `open_data_set` makes this object,
    which may be pickled, and used in forked processes and in several threads.

    Attributes:
        manifests: The manifest of each folder that the shards lie in.
        shards: The shards in the order in which they were named.
        indices: The index of each shard.
        layout: How the samples are made up.
        classes: The class names by class number.
        seq_len: The number of frames in a clip.
        fps: The number of frames per second that clips were sampled from.
        labels: int64 (samples,), the class number of each sample.
        num_valid: int64 (samples,), the number of frames of each sample that are no padding.
    """

    def __init__(
        self, manifests: Sequence[Manifest], shards: Sequence[Shard], layout: SampleLayout
    ) -> None:
        self.manifests = list(manifests)
        self.layout = layout
        self.shards = list(shards)
        self.indices = [shard.load_index() for shard in shards]
        self.classes = list(manifests[0].classes)
        self.seq_len = layout.seq_len
        self.fps = Fraction(manifests[0].fps)
        nothing = np.zeros(0, np.int64)
        self.labels = np.concatenate([nothing, *(index.label for index in self.indices)])
        self.num_valid = np.concatenate([nothing, *(index.num_valid for index in self.indices)])
        self._ends = np.cumsum([len(index) for index in self.indices])
        self._files = locations.PositionedFiles()
        self._check_labels()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def skipped(self) -> int:
        """The number of entries of these shards that gave no clip because they were too short."""
        return sum(shard.entry.skipped for shard in self.shards)

    @property
    def failed(self) -> int:
        """The number of entries of these shards that gave no clip for any other reason."""
        return sum(shard.entry.failed for shard in self.shards)

    def locate(self, number: int) -> tuple[int, int]:
        """Find the shard of a sample.

        Returns:
            The number of the shard, and the position of the sample in it, both counted from 0.
        """
        shard = int(np.searchsorted(self._ends, number, side="right"))
        return shard, number - int(self._ends[shard]) + len(self.indices[shard])

    def read_bytes(self, number: int) -> bytes:
        """Read the bytes of a sample in its tar, and check that they are those that were written.

        Args:
            number: The number of the sample, counted from 0 over all shards in their order.

        Raises:
            ShardError: The shard has changed since it was written.
        """
        shard, position = self.locate(number)
        location, index = self.shards[shard].location, self.indices[shard]
        offset, length = int(index.offset[position]), int(index.length[position])
        is_last = position == len(index) - 1
        wanted = self.shards[shard].entry.bytes - offset if is_last else length
        data = self._files.read(location, offset, wanted)
        if len(data) < wanted or zlib.crc32(data[:length]) != index.crc32[position]:
            raise ShardError(
                f"{location}: sample {position} at byte {offset} is not what was written there;"
                f" {_DAMAGED}"
            )
        if is_last:
            # so that no byte of a shard goes unchecked in an epoch
            self._check_end(location, data[length:])
        return data[:length]

    def read_sample(self, number: int) -> Sample:
        """Read a sample; its frames stay encoded.

        Args:
            number: The number of the sample, counted from 0 over all shards in their order.

        Raises:
            ShardError: The shard has changed since it was written, or holds something else than
                samples of the format.
        """
        data = self.read_bytes(number)
        shard, position = self.locate(number)
        location = self.shards[shard].location
        try:
            sample = parse_sample(data, self.layout)
            if sample.label != self.labels[number]:
                raise ShardError(f"has label {sample.label}, its index {self.labels[number]}")
            if max(sample.record.labels) >= len(self.classes):
                raise ShardError(f"has a frame of class {max(sample.record.labels)}")
            if sample.record.num_valid != self.num_valid[number]:
                raise ShardError(f"has {sample.record.num_valid} valid frames, its index others")
        except ShardError as error:
            raise ShardError(f"{location}: sample {position} {error}; {_DAMAGED}") from error
        return replace(sample, shard=location)

    def pixel_sums(self) -> dict[Canvas, tuple[npt.NDArray[np.int64], int]]:
        """Sum up all frames of all shards, by canvas, since data sets may have different ones.

        Returns:
            For each canvas (width, height), the sum, int64 (height, width, channels), and the
            number of frames in it.
        """
        sums: dict[Canvas, tuple[npt.NDArray[np.int64], int]] = {}
        for shard in self.shards:
            pixel_sum, frame_count = shard.load_pixel_sum(self.layout.channels)
            if shard.canvas in sums:
                pixel_sum += sums[shard.canvas][0]
                frame_count += sums[shard.canvas][1]
            sums[shard.canvas] = (pixel_sum, frame_count)
        return sums

    def _check_labels(self) -> None:
        for shard, index in zip(self.shards, self.indices, strict=True):
            labels_fit = np.all((index.label >= 0) & (index.label < len(self.classes)))
            if not labels_fit or np.any((index.num_valid < 1) | (index.num_valid > self.seq_len)):
                raise ShardError(
                    f"{shard.arrays} has labels or frame counts that the data set's"
                    f" {len(self.classes)} classes and {self.seq_len} frames don't allow;"
                    " delete it and make it anew with `lrcn-data index`"
                )

    @staticmethod
    def _check_end(location: str, data: bytes) -> None:
        try:
            check_end(data)
        except ShardError as error:
            raise ShardError(f"{location} {error}; {_DAMAGED}") from error


_DAMAGED = "`lrcn-data verify` finds all that is damaged; copy the shard again or make it anew"


def open_data_set(
    patterns: Patterns, *, split: str | None = None, plugins: Collection[str] = ()
) -> DataSet:
    """Open shards for reading.

    Args:
        patterns: One or several paths, folders, globs, ranges or URLs; see
            `shard_patterns.expand_shards`. A folder stands for all shards that its manifest names.
        split: The split whose shards are taken; None for all splits.
        plugins: The names of the plug-ins that may be imported, in case one has made the frames.

    Raises:
        UsageError: The patterns can't be meant as given, or name none of the split's shards; or the
            frames were made by a plug-in that is not named.
        ShardError: A shard, its index or its manifest is missing, damaged or unfinished, or the
            shards are of data sets that don't fit together.
    """
    manifests, shards = find_shards(patterns, split=split)
    missing = _without_index(shards)
    if missing:
        raise ShardError(
            f"{_some(missing)} without an index in {META}; copy the .npz files too, or make them"
            " with `lrcn-data index`"
        )
    return DataSet(manifests, shards, layout_of(manifests[0], shards[0].location, plugins))


def find_shards(
    patterns: Patterns, *, split: str | None = None
) -> tuple[list[Manifest], list[Shard]]:
    """Find the manifests and shards that patterns name, and check all but the shards' indices.

    No plug-in is imported.

    Args:
        patterns: See `open_data_set`.
        split: The split whose shards are taken; None for all splits.

    Raises:
        UsageError: The patterns can't be meant as given, or name none of the split's shards.
        ShardError: A shard or its manifest is missing, damaged or unfinished, or the shards are of
            data sets that don't fit together.
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    manifests: dict[str, Manifest] = {}
    shards: list[Shard] = []
    missing: list[str] = []
    for location in expand_shards(patterns):
        is_tar = location.endswith(ENDING) and not locations.is_folder(location)
        folder = locations.split_location(location)[0] if is_tar else location
        if folder not in manifests:
            manifests[folder] = load_manifest(folder)
        entries = {entry.file: entry for entry in manifests[folder].shards}
        names = [locations.split_location(location)[1]] if is_tar else list(entries)
        for name in names:
            shard = _find_shard(folder, name, entries, manifests[folder])
            if shard is None:
                missing.append(locations.join(folder, name))
            else:
                shards.append(shard)
    if missing:
        raise _missing(missing)
    _check_agreement(manifests)
    shards = [shard for shard in dict.fromkeys(shards) if split in (None, shard.entry.split)]
    if not shards:
        raise UsageError(f"none of the shards named is of the split {split}; name others")
    return list(manifests.values()), shards


def load_manifest(folder: str) -> Manifest:
    """Read the manifest of a finished data set.

    Raises:
        ShardError: The manifest is missing or unreadable, or says that the data set is not
            complete.
    """
    location = locations.join(folder, MANIFEST)
    try:
        manifest = Manifest.from_json(locations.read_whole(location))
        _check_manifest(manifest)
    except OSError as error:
        raise ShardError(
            f"{folder} has no readable {MANIFEST} ({describe_folder(folder)}); name a folder that"
            " `lrcn-data shard` wrote"
        ) from error
    except (ShardError, ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise ShardError(f"{location}: {error}; copy it again from where it was made") from error
    if not manifest.complete:
        raise ShardError(
            f"{location} says that the data set is not complete; run the same `lrcn-data shard`"
            " command again, which goes on where it stopped"
        )
    return manifest


def meta_location(shard: str, ending: str) -> str:
    """The location of a file about a shard in .meta.

    Args:
        shard: The location of the shard's tar.
        ending: The file's ending: `npz`, `idx` or `json`.
    """
    folder, name = locations.split_location(shard)
    return locations.join(folder, META, f"{name.removesuffix(ENDING)}.{ending}")


def _check_manifest(manifest: Manifest) -> None:
    """Refuse a manifest with values that no writer of the format writes.

    Raises:
        ShardError, ValueError, TypeError, KeyError, ArithmeticError: The manifest has such values.
    """
    # checked before it is made a number, since for 1e999999999 that takes hours
    if not _RATE.fullmatch(manifest.fps):
        raise ShardError(f"says fps {manifest.fps!r:.60}")
    if not isinstance(manifest.options.get("frame_kind", ""), str):
        raise ShardError(f"says the frame kind {manifest.frame_kind:.60}")
    if not 1 <= manifest.seq_len <= MAX_FRAMES or Fraction(manifest.fps) <= 0:
        raise ShardError(f"says seq_len {manifest.seq_len} and fps {manifest.fps}")
    width, height = manifest.canvas
    if not _are_counts(width, height) or not 1 <= width * height <= MAX_PIXELS:
        raise ShardError(f"says a canvas of {width!r:.30}x{height!r:.30}")
    classes = manifest.classes
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ShardError("has class names that are no text")
    names = [entry.file for entry in manifest.shards]
    if len(set(names)) < len(names):
        raise ShardError("names a shard twice")
    for entry in manifest.shards:
        if not _SHARD_FILE.fullmatch(entry.file) or entry.split not in SPLITS:
            raise ShardError(f"names the shard {entry.file!r:.120} of split {entry.split!r:.20}")
        _check_counts(entry, manifest.seq_len)


def _check_counts(entry: ShardEntry, seq_len: int) -> None:
    """Refuse counts that no shard can have.

    Raises:
        ShardError: The entry has such counts.
    """
    counts = (entry.videos, entry.samples, entry.frames, entry.bytes, entry.skipped, entry.failed)
    if not _are_counts(*counts) or not isinstance(entry.sha256, str):
        raise ShardError(f"has something else than counts and a hash for {entry.file}")
    if entry.frames != entry.samples * seq_len:
        raise ShardError(
            f"says {entry.frames} frames in the {entry.samples} samples of {entry.file}"
        )
    if entry.samples * (seq_len + 2) * BLOCK > entry.bytes:
        raise ShardError(f"says {entry.samples} samples in the {entry.bytes} bytes of {entry.file}")


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def _find_shard(
    folder: str, name: str, entries: dict[str, ShardEntry], manifest: Manifest
) -> Shard | None:
    """Find a shard and check its size against the manifest; None if there is no such file."""
    location = locations.join(folder, name)
    size = locations.size_of(location)
    if size is None:
        return None
    entry = entries.get(name)
    if entry is None:
        raise ShardError(
            f"{location} is not in {folder}'s {MANIFEST}, which names"
            f" {describe_names(entries) or 'no shards'}; name those"
        )
    if size != entry.bytes:
        raise ShardError(
            f"{location} has {size:,} bytes where {MANIFEST} says {entry.bytes:,}; copy the shard"
            " again or make it anew"
        )
    width, height = manifest.canvas
    return Shard(location=location, entry=entry, canvas=(width, height))


def _missing(missing: list[str]) -> ShardError:
    folder = locations.split_location(missing[0])[0]
    there = "is" if len(missing) == 1 else "are"
    return ShardError(
        f"{_some(missing)} {there} not there; {describe_folder(folder)}: name those, or make the"
        " rest with `lrcn-data shard`"
    )


def _some(locations: list[str]) -> str:
    """Name the first few of several locations, and how many more there are."""
    more = len(locations) - _SHOWN
    return ", ".join(locations[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _without_index(shards: Sequence[Shard]) -> list[str]:
    names: dict[str, set[str]] = {}
    for shard in shards:
        folder, _ = locations.split_location(shard.arrays)
        if folder not in names:
            names[folder] = set(locations.list_names(folder))
    return [
        shard.location
        for shard in shards
        if locations.split_location(shard.arrays)[1]
        not in names[locations.split_location(shard.arrays)[0]]
    ]


def _check_agreement(manifests: dict[str, Manifest]) -> None:
    """Refuse data sets whose clips can't stand in one batch."""
    (first_folder, first), *others = manifests.items()
    for folder, manifest in others:
        for what, one, other in (
            ("classes", first.classes, manifest.classes),
            ("seq_len", first.seq_len, manifest.seq_len),
            ("fps", Fraction(first.fps), Fraction(manifest.fps)),
            ("frame kind", first.frame_kind, manifest.frame_kind),
        ):
            if one != other:
                raise ShardError(
                    f"{first_folder} and {folder} differ in {what} ({_difference(one, other)});"
                    " shards that are used together must agree in it"
                )


def _difference(one: object, other: object) -> str:
    if not isinstance(one, list) or not isinstance(other, list):
        return f"{one} and {other}"
    if len(one) != len(other):
        return f"{len(one)} and {len(other)}"
    number = next(n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
    return f"class {number} is {one[number]!r} and {other[number]!r}"
