"""Opens data sets and reads their samples, at random, each with one read and checked.

Everything that decides whether shards may be used at all is here, such as the index and sizes; what
the manifest may say is in `checked_manifest`. Decoding the frames is left to whoever wants them.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.agreement import disagreement
from lrcn_data.format.checked_manifest import load_manifest
from lrcn_data.format.class_sets import multi_hot
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    ENDING,
    MANIFEST,
    META,
    PIXEL_SUM,
    ShardFiles,
    is_further_part,
    split_index,
)
from lrcn_data.format.frame_classes import frame_classes, to_frame_words
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import Canvas
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.sample_members import Sample, parse_sample
from lrcn_data.format.shard_bytes import ShardBytes, ShardRange
from lrcn_data.format.shard_index import REMEDY, ShardIndex, load_pixel_sum
from lrcn_data.format.shard_patterns import (
    Patterns,
    describe_folder,
    describe_names,
    expand_shards,
)
from lrcn_data.format.sources import UNKNOWN_SOURCE, stand_in
from lrcn_data.format.split_index import SplitIndex
from lrcn_data.format.tar_members import MAX_END_BYTES, check_end
from lrcn_data.format.whole_sum import load_whole_sum, summed_tars
from lrcn_data.printable import first_few
from lrcn_data.splits import SPLITS
from lrcn_data.storage import locations
from lrcn_data.storage.file_cache import FileCache
from lrcn_data.storage.shared_copies import SharedCopies

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """A shard that was found sound, as far as can be told without reading all of it.

    Attributes:
        folder: The data set's folder.
        entry: What the manifest says of the shard.
    """

    folder: DataSetFolder
    entry: ShardEntry

    @property
    def location(self) -> str:
        """The path or URL of the tar."""
        return self.folder.at(self.entry.file)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundShards:
    """The shards that patterns name, and the manifests of their data sets.

    Attributes:
        manifests: The manifest of each folder that the shards lie in.
        shards: The shards in the order in which they were named.
        copies: The indices that were copied from stores, for all processes that open the shards.
    """

    manifests: dict[DataSetFolder, Manifest]
    shards: list[Shard]
    copies: SharedCopies = field(default_factory=SharedCopies)

    @property
    def first_manifest(self) -> Manifest:
        """The manifest of one folder; the others agree with it in what their readers must know."""
        return next(iter(self.manifests.values()))

    def not_named(self) -> list[str]:
        """The locations of shards that are left out of a split of which others are named."""
        named = {(shard.folder, shard.entry.split) for shard in self.shards}
        all_shards = [
            Shard(folder=folder, entry=entry)
            for folder, manifest in self.manifests.items()
            for entry in manifest.shards
            if (folder, entry.split) in named
        ]
        taken = set(self.shards)
        return [shard.location for shard in all_shards if shard not in taken]


class DataSet:
    """The samples of shards, numbered from 0 over all of them.

    The shards are of one data set, or of several that agree. `open_data_set` makes this object,
    which may be pickled, and used in forked processes and in several threads.

    Args:
        found: The shards and their manifests.
        layout: How the samples are made up.
        cache: Where whole shards of stores are kept on this machine; None for nowhere.

    Attributes:
        found: The shards, with the manifest of each folder that they lie in.
        shards: The shards in the order in which they were named.
        indices: The index of each shard.
        layout: How the samples are made up.
        cache: Where whole shards of stores are kept on this machine; None for nowhere.
        classes: The class names by class number.
        multi_label: Whether a sample has a set of classes, instead of one.
        labels_in_time: Whether frames have classes of their own, or none, and so may samples.
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        fps: The number of frames per second that clips were sampled from.

    Raises:
        ShardError: An index is missing, damaged or that of another shard.
    """

    def __init__(
        self, found: FoundShards, layout: SampleLayout, cache: FileCache | None = None
    ) -> None:
        self.found = found
        self.layout = layout
        self.cache = cache
        self._bytes = ShardBytes(cache)
        self.shards = found.shards
        self.indices, self._whole = load_indices(found)
        self.classes = list(found.first_manifest.classes)
        self.multi_label = layout.multi_label
        self.labels_in_time = layout.labels_in_time
        self.seq_len = layout.seq_len
        self.fps = Fraction(found.first_manifest.fps)
        self._ends = np.cumsum([len(index) for index in self.indices])
        self._check_labels()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __reduce__(self) -> tuple[type[DataSet], tuple[Any, ...]]:
        """Say how a copy is made: by opening the indices again, whose memory is then shared."""
        return type(self), (self.found, self.layout, self.cache)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64] | npt.NDArray[np.uint8]:
        """int64 (samples,), the class number of each sample; -1 where labels are in time and none.

        Of a multi-label data set uint8 (samples, classes): 1 where a sample has a class.
        """
        if self.multi_label:
            return multi_hot(self._sets, len(self.classes))
        return self.of_samples("label").copy()

    @cached_property
    def label_groups(self) -> npt.NDArray[np.int64]:
        """int64 (samples,), a number for the class or the set of classes of each sample."""
        if self.multi_label:
            return np.unique(self._sets, axis=1, return_inverse=True)[1]
        return self.of_samples("label")

    def class_counts(self) -> npt.NDArray[np.int64]:
        """The number of samples that have each class, int64 (classes,)."""
        counts = np.zeros(len(self.classes), np.int64)
        for index in self.indices:
            counts += index.class_counts(len(self.classes))
        return counts

    @property
    def _sets(self) -> npt.NDArray[np.int64]:
        """int64 (words, samples), the set of classes of each sample."""
        return np.concatenate([index.sets for index in self.indices if index.sets is not None], 1)

    @cached_property
    def num_valid(self) -> npt.NDArray[np.int64]:
        """int64 (samples,), the number of frames of each sample that are no padding."""
        return self.of_samples("num_valid")

    @cached_property
    def frame_labels(self) -> npt.NDArray[np.int16] | None:
        """int16 (samples, seq_len), the class of each frame, or `NO_CLASS`.

        None where labels are not in time.
        """
        if not self.labels_in_time:
            return None
        words = [index.frame_labels for index in self.indices if index.frame_labels is not None]
        return frame_classes(np.concatenate(words, axis=1), self.seq_len)

    @cached_property
    def sources(self) -> npt.NDArray[np.int64]:
        """int64 (samples,), which input file each sample is from; see `format.sources`."""
        return self.of_samples("source")

    @cached_property
    def positions(self) -> npt.NDArray[np.int64] | None:
        """int64 (samples,), the number of each sample's first frame in its video's fps stream.

        None where labels are not in time.
        """
        return self._in_time("position")

    @cached_property
    def clip_numbers(self) -> npt.NDArray[np.int64] | None:
        """int64 (samples,), the number of each sample in its video, which begins with 0.

        None where labels are not in time.
        """
        return self._in_time("clip")

    def _in_time(self, name: str) -> npt.NDArray[np.int64] | None:
        if not self.labels_in_time:
            return None
        return self.of_samples(name)

    def of_samples(self, name: str) -> npt.NDArray[np.int64]:
        """A field of `ShardIndex` for all samples, int64 (samples,).

        Of the shards of one split, all of them in their order, it is in the index's own memory,
        which is only to be read.
        """
        if self._whole is not None:
            return getattr(self._whole, name)  # type: ignore[no-any-return]
        return np.concatenate([getattr(index, name) for index in self.indices])

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

        Raises:
            IndexError: There is no sample of that number.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        shard = int(np.searchsorted(self._ends, number, side="right"))
        return shard, number - int(self._ends[shard]) + len(self.indices[shard])

    def read_bytes(self, number: int) -> bytes:
        """Read the bytes of a sample in its tar, and check that they are those that were written.

        Args:
            number: The number of the sample, counted from 0 over all shards in their order.

        Raises:
            ShardError: The shard has changed since it was written.
        """
        [data] = self._bytes.read([self._range(number)])
        return self._checked(number, data)

    def read_samples(self, numbers: Sequence[int]) -> list[Sample]:
        """Read several samples, of those in a store many at the same time; see `read_sample`."""
        found = self._bytes.read([self._range(number) for number in numbers])
        return [
            self._sample(number, self._checked(number, data))
            for number, data in zip(numbers, found, strict=True)
        ]

    def expect(self, numbers: Iterable[int]) -> None:
        """Begin to read samples that are wanted soon, of shards in a store."""
        if self._in_store:
            self._bytes.expect(map(self._range, numbers))

    def fetch_shards(self, numbers: Iterable[int]) -> None:
        """Begin to bring shards, by their numbers, to where they are read faster.

        Those of a local disk come to memory, those of a store to the cache, if there is one.
        """
        for shard in (self.shards[number] for number in numbers):
            locations.read_ahead(shard.location)
            self._bytes.fetch(shard.location, shard.entry)

    @cached_property
    def _in_store(self) -> bool:
        return not all(folder.is_local for folder in self.found.manifests)

    def _range(self, number: int) -> ShardRange:
        """Where a sample's bytes are; those of a shard's last one go on to its end.

        So no byte of a shard goes unchecked in an epoch.
        """
        number_of_shard, position = self.locate(number)
        shard, index = self.shards[number_of_shard], self.indices[number_of_shard]
        offset, length = int(index.offset[position]), int(index.length[position])
        is_last = position == len(index) - 1
        wanted = shard.entry.bytes - offset if is_last else length
        return ShardRange(shard.location, shard.entry, offset, wanted)

    def _checked(self, number: int, data: bytes) -> bytes:
        """A sample's bytes of those that were read.

        Raises:
            ShardError: They are not what was written.
        """
        number_of_shard, position = self.locate(number)
        index = self.indices[number_of_shard]
        location, _, offset, wanted = self._range(number)
        length = int(index.length[position])
        if len(data) < wanted or zlib.crc32(data[:length]) != index.crc32[position]:
            copies = f"; a copy of it may be in {self.cache.folder}" if self.cache else ""
            raise ShardError(
                f"{location}: sample {position} at byte {offset} is not what was written there;"
                f" {_DAMAGED}{copies}"
            )
        if position == len(index) - 1:
            self._check_end(location, data[length:])
        return data[:length]

    def read_sample(self, number: int) -> Sample:
        """Read a sample; its frames stay encoded.

        Args:
            number: The number of the sample, counted from 0 over all shards in their order.

        Raises:
            IndexError: There is no sample of that number.
            ShardError: The shard has changed since it was written, or holds something else than
                samples of the format.
        """
        return self._sample(number, self.read_bytes(number))

    def _sample(self, number: int, data: bytes) -> Sample:
        number_of_shard, position = self.locate(number)
        shard, index = self.shards[number_of_shard], self.indices[number_of_shard]
        location = shard.location
        try:
            sample = parse_sample(data, self.layout)
            found, stated = sample.record.class_numbers, index.classes_at(position)
            if found != stated:
                raise ShardError(f"has label {_listed(found)}, its index {_listed(stated)}")
            if max(sample.record.labels) >= len(self.classes):
                raise ShardError(f"has a frame of class {max(sample.record.labels)}")
            if sample.record.num_valid != index.num_valid[position]:
                raise ShardError(f"has {sample.record.num_valid} valid frames, its index others")
            for name in index.form.fields:
                at, stated_at = getattr(sample.record, name), getattr(index, name)[position]
                if at != stated_at:
                    raise ShardError(f"has {name} {at}, its index {stated_at}")
            if index.frame_labels is not None:
                words = to_frame_words(sample.record.labels, len(index.frame_labels))
                if words != tuple(index.frame_labels[:, position].tolist()):
                    raise ShardError("has frames of other classes than its index says")
        except ShardError as error:
            raise ShardError(f"{location}: sample {position} {error}; {_DAMAGED}") from error
        return replace(sample, shard=location, source=self.source_of(number))

    def source_of(self, number: int) -> int:
        """Which input file a sample is from, or a number of its data set's where none is known."""
        shard, position = self.locate(number)
        source = int(self.indices[shard].source[position])
        if source == UNKNOWN_SOURCE:
            source = stand_in(self.found.manifests[self.shards[shard].folder].fingerprint)
        return source

    def pixel_sums(self) -> dict[Canvas, tuple[npt.NDArray[np.int64], int]]:
        """Sum up the frames that mean images are made of, by canvas, as data sets may differ in it.

        Of a data set in today's form these are all frames of its train split, or of all splits
        where it has none, whichever shards are named; of one in the older form, where every shard
        has sums of its own, the frames of the shards that are named.

        Returns:
            For each canvas (width, height), the sum, int64 (height, width, channels), and the
            number of frames in it.

        Raises:
            ShardError: The sums are missing or damaged.
        """
        sums: dict[Canvas, tuple[npt.NDArray[np.int64], int]] = {}
        for folder, manifest in self.found.manifests.items():
            named = [shard.entry for shard in self.shards if shard.folder == folder]
            canvas = manifest.canvas_size
            for pixel_sum, frame_count in frame_sums(
                folder, manifest, named, channels=self.layout.channels
            ):
                if canvas in sums:
                    pixel_sum += sums[canvas][0]
                    frame_count += sums[canvas][1]
                sums[canvas] = (pixel_sum, frame_count)
        return sums

    def _check_labels(self) -> None:
        for shard, index in zip(self.shards, self.indices, strict=True):
            labels_fit = index.has_only_classes(len(self.classes))
            if not labels_fit or np.any((index.num_valid < 1) | (index.num_valid > self.seq_len)):
                raise ShardError(
                    f"{shard.location} has an index with labels or frame counts that the data"
                    f" set's {len(self.classes)} classes and {self.seq_len} frames don't allow;"
                    f" {REMEDY}"
                )

    @staticmethod
    def _check_end(location: str, data: bytes) -> None:
        try:
            check_end(data)
        except ShardError as error:
            raise ShardError(f"{location} {error}; {_DAMAGED}") from error


_DAMAGED = "`lrcn-data verify` finds all that is damaged; copy the shard again or make it anew"


def open_data_set(
    patterns: Patterns,
    *,
    split: str | None = None,
    plugins: Collection[str] = (),
    cache: FileCache | None = None,
) -> DataSet:
    """Open shards for reading.

    Args:
        patterns: One or several paths, folders, globs, ranges or URLs; see
            `shard_patterns.expand_shards`. A folder stands for all shards that its manifest names.
        split: The split whose shards are taken; None for all splits.
        plugins: The names of the plug-ins that may be imported, in case one has made the frames.
        cache: Where whole shards of stores are kept on this machine; None for nowhere.

    Raises:
        UsageError: The patterns can't be meant as given, or name none of the split's shards; or the
            frames were made by a plug-in that is not named.
        ShardError: A shard, its index or its manifest is missing, damaged or unfinished, or the
            shards are of data sets that don't fit together.
    """
    found = find_shards(patterns, split=split)
    layout = layout_of(found.first_manifest, found.shards[0].location, plugins)
    return DataSet(found, layout, cache)


def find_shards(patterns: Patterns, *, split: str | None = None) -> FoundShards:
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
    found: dict[str, _ListedFolder] = {}
    shards: list[Shard] = []
    missing: list[str] = []
    for location in expand_shards(patterns):
        above, name = locations.split_location(location)
        is_tar = location.endswith(ENDING) and (
            (above in found and name in found[above].sizes) or not locations.is_folder(location)
        )
        place = above if is_tar else location
        if place not in found:
            found[place] = _ListedFolder(DataSetFolder(place))
        listed = found[place]
        for file in [name] if is_tar else listed.entries:
            shard = listed.shard(file)
            if shard is None:
                missing.append(listed.folder.at(file))
            else:
                shards.append(shard)
    if missing:
        raise _missing(missing)
    manifests = {listed.folder: listed.manifest for listed in found.values()}
    _check_agreement(manifests)
    shards = [shard for shard in dict.fromkeys(shards) if split in (None, shard.entry.split)]
    if not shards:
        raise UsageError(f"none of the shards named is of the split {split}; name others")
    return FoundShards(manifests=manifests, shards=shards)


def load_indices(found: FoundShards) -> tuple[list[ShardIndex], ShardIndex | None]:
    """Read the index of each shard: from that of its split, or else from its own arrays.

    Returns:
        The indices, and where they are all that one split's index has, in its order, that as one.

    Raises:
        ShardError: An index is missing, damaged, or that of another shard.
    """
    by_shard: dict[Shard, ShardIndex] = {}
    of_split: dict[tuple[DataSetFolder, str], list[Shard]] = {}
    for shard in found.shards:
        of_split.setdefault((shard.folder, shard.entry.split), []).append(shard)
    whole: ShardIndex | None = None
    without: list[str] = []
    for (folder, split), shards in of_split.items():
        form = found.manifests[folder].index_form
        if folder.has(split_index(split)):
            entries = found.manifests[folder].of_split(split)
            opened = SplitIndex(folder, split, form, found.copies)
            indices = opened.shards(entries)
            all_shards = [Shard(folder=folder, entry=entry) for entry in entries]
            by_shard |= zip(all_shards, indices, strict=True)
            if found.shards == all_shards:
                whole = opened.samples(sum(map(len, indices)))
            continue
        there = set(folder.names(META))
        for shard in shards:
            arrays = ShardFiles.of(shard.entry.file).arrays
            if Path(arrays).name in there:
                by_shard[shard] = ShardIndex.load(
                    folder, arrays, samples=shard.entry.samples, form=form
                )
            else:
                without.append(shard.location)
    if without:
        raise ShardError(
            f"{first_few(without, _SHOWN)} without an index in {META}; copy that folder too, or"
            " make the index with `lrcn-data index`"
        )
    for shard in found.shards:
        _check_end(shard, by_shard[shard])
    return [by_shard[shard] for shard in found.shards], whole


def frame_sums(
    folder: DataSetFolder, manifest: Manifest, named: Sequence[ShardEntry], *, channels: int
) -> Iterator[tuple[npt.NDArray[np.int64], int]]:
    """Give the parts of the sum that a data set's mean image is made of.

    Args:
        folder: The data set's folder.
        manifest: Its manifest.
        named: The shards whose frames are summed up where every shard has sums of its own.
        channels: The number of channels of the frames.

    Yields:
        A sum, int64 (height, width, channels), and the number of frames in it.

    Raises:
        ShardError: The sums are missing or damaged.
    """
    entries, done = list(named), set[str]()
    if folder.has(PIXEL_SUM):
        done = summed_tars(folder, most=len(manifest.shards))
        entries = manifest.of_split(manifest.summed_split)
        if not done <= {entry.sha256 for entry in entries}:
            raise ShardError(
                f"{folder.at(PIXEL_SUM)} is of other shards than {MANIFEST} names; if videos were"
                " just appended, open the data set again, else run the same `lrcn-data shard`"
                " command again"
            )
        yield load_whole_sum(folder, canvas=manifest.canvas_size, channels=channels)
    for entry in entries:
        if entry.sha256 not in done and not is_further_part(entry.file):
            arrays = ShardFiles.of(entry.file).arrays
            yield load_pixel_sum(folder, arrays, canvas=manifest.canvas_size, channels=channels)


def _check_end(shard: Shard, index: ShardIndex) -> None:
    """Refuse an index that can't be that of a tar of this size.

    Raises:
        ShardError: The index ends beyond the tar, or long before its end.
    """
    rest = shard.entry.bytes - index.end()
    if rest < 0:
        raise ShardError(
            f"{shard.location} has an index with samples beyond its end; delete it and make it anew"
            " with `lrcn-data index`"
        )
    if rest > MAX_END_BYTES:
        raise ShardError(
            f"{shard.location} goes on for {rest:,} bytes after the last sample that its index has;"
            " make the shard anew"
        )


class _ListedFolder:
    """The folder of a data set, with the sizes of its files, which a store says 1,000 at a time.

    Args:
        folder: The folder.

    Attributes:
        folder: The folder.
        manifest: Its manifest.
        entries: What the manifest says of each shard, by the tar's name.
        sizes: The size in bytes of each file, by its name, of those that could be listed.

    Raises:
        ShardError: The manifest is missing, damaged or unfinished, or the folder can't be read.
    """

    def __init__(self, folder: DataSetFolder) -> None:
        self.folder = folder
        self.manifest = load_manifest(folder)
        self.entries = {entry.file: entry for entry in self.manifest.shards}
        self.sizes = folder.sizes()

    def shard(self, name: str) -> Shard | None:
        """Find a shard and check its size against the manifest; None if there is no such file.

        Raises:
            ShardError: The manifest doesn't name the shard, or says that it has another size.
        """
        folder, entry = self.folder, self.entries.get(name)
        size = self.sizes.get(name)
        if size is None:
            size = folder.size(name)
        if size is None:
            return None
        if entry is None and folder.append_moves_in:
            raise ShardError(
                f"{folder.at(name)} is not in {folder}'s {MANIFEST} yet, as an append moves in; try"
                " again, or run the same `lrcn-data shard --append` command again if it was stopped"
            )
        if entry is None:
            raise ShardError(
                f"{folder.at(name)} is not in {folder}'s {MANIFEST}, which names"
                f" {describe_names(self.entries) or 'no shards'}; name those"
            )
        if size != entry.bytes:
            raise ShardError(
                f"{folder.at(name)} has {size:,} bytes where {MANIFEST} says {entry.bytes:,}; copy"
                " the shard again or make it anew"
            )
        return Shard(folder=folder, entry=entry)


def _missing(missing: list[str]) -> ShardError:
    folder = locations.split_location(missing[0])[0]
    there = "is" if len(missing) == 1 else "are"
    return ShardError(
        f"{first_few(missing, _SHOWN)} {there} not there; {describe_folder(folder)}: name those, or"
        " make the rest with `lrcn-data shard`"
    )


def _check_agreement(manifests: dict[DataSetFolder, Manifest]) -> None:
    """Refuse data sets whose clips can't stand in one batch."""
    (first_folder, first), *others = manifests.items()
    for folder, manifest in others:
        found = disagreement(first, manifest)
        if first.classes != manifest.classes:
            found = f"classes ({_class_difference(first.classes, manifest.classes)})"
        if found:
            raise ShardError(
                f"{first_folder} and {folder} differ in {found}; shards that are used together must"
                " agree in it"
            )


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers)) or "none"


def _class_difference(one: list[str], other: list[str]) -> str:
    if len(one) != len(other):
        return f"{len(one)} and {len(other)}"
    number = next(n for n, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
    return f"class {number} is {one[number]!r} and {other[number]!r}"
