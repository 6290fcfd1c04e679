"""Compares a finished data set with its manifest, byte for byte, and says all that is wrong."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import numpy as np

from lrcn_data.errors import ShardError, VideoError
from lrcn_data.format.checked_manifest import load_manifest
from lrcn_data.format.clip_label import clip_label
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    ENDING,
    MANIFEST,
    PIXEL_SUM,
    REJECTED,
    STAGED,
    ShardFiles,
    first_part,
    is_further_part,
    shard_name,
    split_index,
)
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import NO_CLASS, ShardEntry, ShardRecord
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_index import FIELDS, ShardIndex, load_pixel_sum
from lrcn_data.format.shard_reader import frame_sums
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.format.split_index import SplitIndex
from lrcn_data.reasons import Reason
from lrcn_data.splits import SPLITS
from lrcn_data.storage.locations import is_url, listed_location, open_binary
from lrcn_data.video.picture_folder import PictureFolder

MEAN_LEVELS = 2.0
"""How many levels of 255 the mean image of the decoded frames may differ from that of the pixel
sums, averaged over all pixels: JPEG loses that much at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is not as it was written.

    Attributes:
        file: The file, relative to the data set's folder, or the path of an input video.
        detail: What is wrong with the file.
    """

    file: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.detail}"


def verify(
    folder: str | os.PathLike[str],
    *,
    deep: bool = False,
    inputs: str | os.PathLike[str] | None = None,
    plugins: Collection[str] = (),
    on_start: Callable[[int, int], None] = lambda shards, left: None,
    on_shard: Callable[[], None] = lambda: None,
) -> Iterator[Fault]:
    """Find everything that is wrong with a data set.

    Every tar is read as a whole: size, SHA-256, headers, members, keys, labels, and that every
    frame decodes to its size; then its index and arrays, its record where there is one, and the
    counts.

    Args:
        folder: Path or URL of the data set.
        deep: Whether to compare the pixel sums with those of the decoded frames as well.
        inputs: The folder or URL that the paths of the input videos are relative to, to compare the
            videos with their hashes as well. None leaves them out.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of shards, and with the number still to be read, which
            is the same.
        on_shard: Called after each shard that was read.

    Yields:
        Each fault as it is found.

    Raises:
        UsageError: A plug-in has made the frames that is not named.
    """
    data_set = DataSetFolder(folder)
    try:
        manifest = load_manifest(data_set)
    except ShardError as error:
        yield Fault(file=MANIFEST, detail=str(error))
        return
    layout = layout_of(manifest, data_set.location, plugins)
    on_start(len(manifest.shards), len(manifest.shards))
    check = _Check(data_set, manifest, layout, deep=deep)
    moves = data_set.append_moves_in
    if moves:
        yield Fault(
            file=STAGED,
            detail="an append was stopped while it moved in; run the same `lrcn-data shard"
            " --append` command again, which moves the rest",
        )
    seen: set[str] = set()
    yield from check.open_indices()
    for entry in manifest.shards:
        yield from check.shard(entry)
        if inputs is not None and not is_further_part(entry.file):
            yield from _verify_inputs(data_set, entry, os.fspath(inputs), seen)
        on_shard()
    yield from check.pixel_sum()
    if not moves:
        yield from _verify_names(data_set, manifest)
        yield from _verify_rejections(data_set, manifest)


class _Check:
    """The checks of all shards, one after the other.

    Args:
        folder: The data set's folder.
        manifest: Its manifest.
        layout: How its samples are made up.
        deep: Whether to decode frames for the pixel sums.
    """

    def __init__(
        self, folder: DataSetFolder, manifest: Manifest, layout: SampleLayout, *, deep: bool
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._layout = layout
        self._deep = deep
        self._fingerprint_of = manifest.fingerprint_of()
        self._keys: set[str] = set()
        self._indices: dict[str, ShardIndex] = {}
        self._without_index: set[str] = set()
        self._whole = folder.has(PIXEL_SUM)
        # all frames of a data set that has one sum, or else those of the shard being read
        self._sums = PixelSums(manifest.canvas_size, layout.channels)

    def open_indices(self) -> Iterator[Fault]:
        """Open the index of each split that has one."""
        for split in SPLITS:
            name = split_index(split)
            entries = self._manifest.of_split(split)
            if not entries or not self._folder.has(name):
                continue
            try:
                index = SplitIndex(self._folder, split, self._layout.index_form)
                found = index.shards(entries)
            except ShardError as error:
                yield Fault(file=name, detail=str(error))
                self._without_index.add(split)
                continue
            samples = sum(entry.samples for entry in entries)
            if len(index) != samples:
                detail = f"has {len(index):,} samples, but {MANIFEST} says {samples:,}"
                yield Fault(file=name, detail=detail)
            self._indices |= {e.file: one for e, one in zip(entries, found, strict=True)}

    def shard(self, entry: ShardEntry) -> Iterator[Fault]:
        """What is wrong with a shard and with the files that describe it."""
        if not self._whole:
            self._sums.clear()
        try:
            with self._folder.open(entry.file) as file:
                scan = ShardScan(file, self._layout)
                for detail in self._scanned(entry, scan):
                    yield Fault(file=entry.file, detail=detail)
        except OSError as error:
            yield Fault(file=entry.file, detail=f"can't be read: {error}")
            return
        yield from self._beside(entry, scan)

    def pixel_sum(self) -> Iterator[Fault]:
        """What is wrong with the pixel sum of all shards, where there is one."""
        if not self._whole:
            return
        summed = self._manifest.of_split(self._manifest.summed_split)
        frames = sum(entry.frames for entry in summed)
        try:
            parts = list(
                frame_sums(self._folder, self._manifest, (), channels=self._layout.channels)
            )
        except ShardError as error:
            yield Fault(file=PIXEL_SUM, detail=str(error))
            return
        pixel_sum = sum(part for part, _ in parts)
        problem = self._sum_problem(pixel_sum, sum(count for _, count in parts), frames)
        if problem:
            yield Fault(file=PIXEL_SUM, detail=problem)

    def _scanned(self, entry: ShardEntry, scan: ShardScan) -> Iterator[str]:
        """What is wrong with the tar itself."""
        number = frames = damaged = 0
        try:
            for number, sample in enumerate(scan, 1):
                if isinstance(sample, ShardError):
                    yield f"sample {number - 1} {sample}"
                    damaged += 1
                else:
                    yield from self._sample(entry, sample)
                    frames += len(sample.frames)
        except ShardError as error:
            yield f"after {number} samples: {error}"
            size = self._folder.size(entry.file)
            if size != entry.bytes:
                yield f"bytes {size}, but {MANIFEST} says {entry.bytes}"
            return
        if not self._layout.variable_length:
            frames = number * self._layout.seq_len
        elif damaged:
            frames = entry.frames  # a damaged sample doesn't say how many it has
        for what, found, stated in (
            ("bytes", scan.size, entry.bytes),
            ("SHA-256", scan.sha256, entry.sha256),
            ("samples", number, entry.samples),
            ("frames", frames, entry.frames),
        ):
            if found != stated:
                yield f"{what} {found}, but {MANIFEST} says {stated}"

    def _sample(self, entry: ShardEntry, sample: Sample) -> Iterator[str]:
        """What is wrong with a sample, apart from its form."""
        record, classes = sample.record, self._manifest.classes
        if record.key in self._keys:
            yield f"the key {record.key} is used twice"
        self._keys.add(record.key)
        numbers, names = record.class_numbers, record.names
        if max(*numbers, *record.labels) >= len(classes):
            yield f"sample {record.key} has a label beyond the {len(classes)} classes"
        elif any(names) and names != [classes[n] if n != NO_CLASS else "" for n in numbers]:
            shown = ", ".join(names), ", ".join(map(str, numbers))
            yield f"sample {record.key} has class {shown[0]!r} and label {shown[1]}"
        if self._layout.labels_in_time and record.label != clip_label(record.labels):
            yield f"sample {record.key} has label {record.label}, which few of its frames have"
        if record.split not in ("", entry.split):
            yield f"sample {record.key} is of split {record.split}, not {entry.split}"
        try:
            buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
            frames = decode_frames(sample, buffer)
        except ShardError as error:
            yield str(error)
            return
        summed = not self._whole or self._manifest.summed_split in (None, entry.split)
        for frame in frames if self._deep and summed else ():
            self._sums.add(frame)

    def _beside(self, entry: ShardEntry, scan: ShardScan) -> Iterator[Fault]:
        """What is wrong with the files that describe a shard."""
        files = ShardFiles.of(entry.file)
        record, record_problem = self._record(entry)
        problems = {
            files.dali_index: self._dali_problem(files.dali_index, scan),
            files.record: record_problem,
        }
        if entry.file in self._indices:
            problems[split_index(entry.split)] = self._index_problem(entry, scan, record)
        elif entry.split not in self._without_index:
            problems[files.arrays] = self._arrays_problem(entry, scan, record)
        for name, problem in sorted(problems.items()):
            if problem:
                yield Fault(file=name, detail=problem)

    def _arrays_problem(
        self, entry: ShardEntry, scan: ShardScan, record: ShardRecord | None
    ) -> str:
        """What is wrong with the arrays of a shard that has some of its own."""
        name = ShardFiles.of(entry.file).arrays
        canvas, channels = self._manifest.canvas_size, self._layout.channels
        try:
            self._indices[entry.file] = ShardIndex.load(
                self._folder, name, samples=entry.samples, form=self._layout.index_form
            )
            problem = self._index_problem(entry, scan, record)
            if problem or self._whole:
                return problem
            pixel_sum, count = load_pixel_sum(self._folder, name, canvas=canvas, channels=channels)
        except ShardError as error:
            return str(error)
        return self._sum_problem(pixel_sum, count, entry.frames)

    def _index_problem(self, entry: ShardEntry, scan: ShardScan, record: ShardRecord | None) -> str:
        stated = self._indices[entry.file]
        found = scan.index(record.source_numbers if record else {})
        for name in (*FIELDS, *found.form.fields, *found.form.several_rows):
            wanted, there = getattr(found, name), getattr(stated, name)
            if name == "source":
                # an index may have been made without knowing the inputs, as a copy may be without
                # its records
                both_known = (wanted != UNKNOWN_SOURCE) & (there != UNKNOWN_SOURCE)
                wanted, there = wanted[both_known], there[both_known]
            if not np.array_equal(wanted, there):
                return f"{name} does not fit the samples of {entry.file}"
        return ""

    def _sum_problem(self, pixel_sum: Any, frame_count: int, frames: int) -> str:
        if frame_count != frames:
            return f"frame_count {frame_count}, but {MANIFEST} says {frames} frames"
        if not self._deep or not frame_count or self._sums.frame_count != frame_count:
            return ""
        levels = np.abs(self._sums.pixel_sum - pixel_sum).mean() / frame_count
        if levels <= MEAN_LEVELS:
            return ""
        return f"the mean image is {levels:.1f} levels a pixel away from that of the frames"

    def _dali_problem(self, name: str, scan: ShardScan) -> str:
        text = scan.index_text()
        try:
            with self._folder.open(name) as file:
                same = file.read(len(text) + 1) == text
        except OSError as error:
            return f"can't be read: {error}"
        return "" if same else "does not fit the members in the tar"

    def _record(self, entry: ShardEntry) -> tuple[ShardRecord | None, str]:
        """The record of a shard, where there is one, and what is wrong with it."""
        try:
            record = self._folder.read_record(first_part(entry.file))
        except ShardError as error:
            return None, "" if is_further_part(entry.file) else str(error)
        # a copy of a data set needs no records, so their absence is no fault
        if record and record.fingerprint != self._fingerprint_of.get(first_part(entry.file)):
            return None, f"is of a run with another fingerprint than {MANIFEST}"
        if record and any(one not in self._manifest.shards for one in record.entries):
            return None, f"says something else of the shard than {MANIFEST}"
        return record, ""


def _verify_names(folder: DataSetFolder, manifest: Manifest) -> Iterator[Fault]:
    """Check that shards are numbered without a gap, and that the manifest names all of them."""
    named = {entry.file for entry in manifest.shards}
    for split in SPLITS:
        count, first = len(manifest.made_by(split)), manifest.first_count(split)
        for number in range(count):
            name = shard_name(split, number, first) + ENDING
            if name not in named:
                yield Fault(
                    file=MANIFEST, detail=f"names {count} shards of {split}, but not {name}"
                )
    for name in folder.names():
        is_shard = name.endswith(ENDING) and name.split("-")[0] in SPLITS
        if is_shard and name not in named:
            yield Fault(file=name, detail=f"is a shard that {MANIFEST} does not name")


def _verify_rejections(folder: DataSetFolder, manifest: Manifest) -> Iterator[Fault]:
    """Check that there are as many rejected entries as the shards count."""
    import json

    try:
        lines = folder.read(REJECTED).splitlines()
        reasons = [json.loads(line)["reason"] for line in lines]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        yield Fault(file=REJECTED, detail=f"can't be read: {error!r}")
        return
    skipped = reasons.count(Reason.SHORT)
    failed = len(reasons) - skipped - reasons.count(Reason.PARTIAL)
    for what, found, stated in (
        ("skipped", skipped, sum(entry.skipped for entry in manifest.shards)),
        ("failed", failed, sum(entry.failed for entry in manifest.shards)),
    ):
        if found != stated:
            yield Fault(
                file=REJECTED, detail=f"has {found} {what} entries, but {MANIFEST} says {stated}"
            )


def _verify_inputs(
    folder: DataSetFolder, entry: ShardEntry, root: str, seen: set[str]
) -> Iterator[Fault]:
    """Check that a shard's input videos are those that were decoded; each video is read once."""
    try:
        record = folder.read_record(ShardFiles.of(entry.file).name)
    except (OSError, ShardError):
        return  # a record that can't be read is a fault already
    if record is None:
        yield Fault(file=entry.file, detail="has no record in .meta that names its inputs")
        return
    for source in record.sources:
        if source.path in seen:
            continue
        seen.add(source.path)
        location = listed_location(root, source.path)
        problem = _input_problem(location, source.bytes, source.sha256)
        if problem:
            yield Fault(file=source.path, detail=problem)


def _input_problem(location: str, size: int, sha256: str) -> str:
    try:
        if not is_url(location) and Path(location).is_dir():
            pictures = PictureFolder(location)
            digest, found = pictures.sha256(), pictures.size
        else:
            with open_binary(location) as file:
                digest = hashlib.file_digest(cast(BufferedReader, file), "sha256").hexdigest()
                found = file.seek(0, os.SEEK_END)
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    except VideoError as error:
        return error.detail
    if found != size:
        return f"has {found} bytes, had {size} when it was decoded"
    return "" if digest == sha256 else "is not the file that was decoded: its SHA-256 differs"
