"""Compares a finished data set with its manifest, byte for byte, and says all that is wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lrcn_data.errors import ShardError
from lrcn_data.format.file_names import MANIFEST, REJECTED, shard_name
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import Canvas, PixelSums
from lrcn_data.format.records import ShardEntry, ShardRecord
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.sample_members import Sample
from lrcn_data.format.shard_index import ShardIndex, load_pixel_sum
from lrcn_data.format.shard_patterns import ENDING
from lrcn_data.format.shard_reader import load_manifest, meta_location
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.reasons import Reason
from lrcn_data.splits import SPLITS
from lrcn_data.storage import locations

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
    folder: str,
    *,
    deep: bool = False,
    inputs: Path | None = None,
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
        inputs: The folder that the paths of the input videos are relative to, to compare the videos
            with their hashes as well. None leaves them out.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.
        on_start: Called once with the number of shards, and with the number still to be read, which
            is the same.
        on_shard: Called after each shard that was read.

    Yields:
        Each fault as it is found.

    Raises:
        UsageError: A plug-in has made the frames that is not named.
    """
    folder = locations.normal_location(folder)
    try:
        manifest = load_manifest(folder)
    except ShardError as error:
        yield Fault(file=MANIFEST, detail=str(error))
        return
    layout = layout_of(manifest, folder, plugins)
    on_start(len(manifest.shards), len(manifest.shards))
    keys: set[str] = set()
    seen: set[str] = set()
    for entry in manifest.shards:
        yield from _Check(folder, manifest, layout, entry, keys, deep).faults()
        if inputs is not None:
            yield from _verify_inputs(folder, entry, inputs, seen)
        on_shard()
    yield from _verify_names(folder, manifest)
    yield from _verify_rejections(folder, manifest)


class _Check:
    """The checks of one shard. `keys` are those of all samples so far, and is added to."""

    def __init__(
        self,
        folder: str,
        manifest: Manifest,
        layout: SampleLayout,
        entry: ShardEntry,
        keys: set[str],
        deep: bool,
    ) -> None:
        self._manifest = manifest
        self._layout = layout
        self._entry = entry
        self._keys = keys
        self._location = locations.join(folder, entry.file)
        self._canvas: Canvas = (manifest.canvas[0], manifest.canvas[1])
        self._sums = PixelSums(self._canvas, layout.channels) if deep else None

    def faults(self) -> Iterator[Fault]:
        try:
            with locations.open_binary(self._location) as file:
                scan = ShardScan(file, self._layout)
                for detail in self._scanned(scan):
                    yield Fault(file=self._entry.file, detail=detail)
        except OSError as error:
            yield Fault(file=self._entry.file, detail=f"can't be read: {error}")
            return
        yield from self._beside(scan)

    def _scanned(self, scan: ShardScan) -> Iterator[str]:
        """What is wrong with the tar itself."""
        entry, number = self._entry, 0
        try:
            for number, sample in enumerate(scan, 1):
                if isinstance(sample, ShardError):
                    yield f"sample {number - 1} {sample}"
                else:
                    yield from self._sample(sample)
        except ShardError as error:
            yield f"after {number} samples: {error}"
            size = locations.size_of(self._location)
            if size != entry.bytes:
                yield f"bytes {size}, but {MANIFEST} says {entry.bytes}"
            return
        for what, found, stated in (
            ("bytes", scan.size, entry.bytes),
            ("SHA-256", scan.sha256, entry.sha256),
            ("samples", number, entry.samples),
            ("frames", number * self._manifest.seq_len, entry.frames),
        ):
            if found != stated:
                yield f"{what} {found}, but {MANIFEST} says {stated}"

    def _sample(self, sample: Sample) -> Iterator[str]:
        """What is wrong with a sample, apart from its form."""
        record, classes = sample.record, self._manifest.classes
        if record.key in self._keys:
            yield f"the key {record.key} is used twice"
        self._keys.add(record.key)
        if max(sample.label, *record.labels) >= len(classes):
            yield f"sample {record.key} has a label beyond the {len(classes)} classes"
        elif classes[sample.label] != record.class_name:
            yield f"sample {record.key} has class {record.class_name!r} and label {sample.label}"
        if record.split != self._entry.split:
            yield f"sample {record.key} is of split {record.split}, not {self._entry.split}"
        try:
            buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
            frames = decode_frames(sample, buffer)
        except ShardError as error:
            yield str(error)
            return
        if self._sums is not None:
            for frame in frames:
                self._sums.add(frame)

    def _beside(self, scan: ShardScan) -> Iterator[Fault]:
        """What is wrong with the files that describe the shard."""
        for ending, problem in (
            ("npz", self._arrays_problem(scan)),
            ("idx", self._index_problem(scan)),
            ("json", self._record_problem()),
        ):
            if problem:
                location = meta_location(self._entry.file, ending)
                yield Fault(file=location.removeprefix("./"), detail=problem)

    def _arrays_problem(self, scan: ShardScan) -> str:
        location = meta_location(self._location, "npz")
        found = scan.index()
        try:
            stated = ShardIndex.load(location, samples=self._entry.samples)
            pixel_sum, frame_count = load_pixel_sum(
                location, canvas=self._canvas, channels=self._layout.channels
            )
        except ShardError as error:
            return str(error)
        for name in (f.name for f in fields(ShardIndex)):
            if not np.array_equal(getattr(found, name), getattr(stated, name)):
                return f"{name} does not fit the samples in the tar"
        if frame_count != self._entry.frames:
            return f"frame_count {frame_count}, but {MANIFEST} says {self._entry.frames} frames"
        return self._mean_problem(pixel_sum, frame_count)

    def _mean_problem(self, pixel_sum: np.ndarray[Any, Any], frame_count: int) -> str:
        if self._sums is None or not frame_count or self._sums.frame_count != frame_count:
            return ""
        levels = np.abs(self._sums.pixel_sum - pixel_sum).mean() / frame_count
        if levels <= MEAN_LEVELS:
            return ""
        return f"the mean image is {levels:.1f} levels a pixel away from that of the frames"

    def _index_problem(self, scan: ShardScan) -> str:
        text = scan.index_text()
        try:
            with locations.open_binary(meta_location(self._location, "idx")) as file:
                same = file.read(len(text) + 1) == text
        except OSError as error:
            return f"can't be read: {error}"
        return "" if same else "does not fit the members in the tar"

    def _record_problem(self) -> str:
        try:
            record = _load_record(self._location)
        except ShardError as error:
            return str(error)
        # a copy of a data set needs no records, so their absence is no fault
        if record and record.fingerprint != self._manifest.fingerprint:
            return f"is of a run with another fingerprint than {MANIFEST}"
        if record and record.entry != self._entry:
            return f"says something else of the shard than {MANIFEST}"
        return ""


def _load_record(shard: str) -> ShardRecord | None:
    """The record of a shard, or None if there is none."""
    location = meta_location(shard, "json")
    if locations.size_of(location) is None:
        return None
    try:
        return ShardRecord.from_json(locations.read_whole(location))
    except OSError as error:
        raise ShardError(f"can't be read: {error}") from error


def _verify_names(folder: str, manifest: Manifest) -> Iterator[Fault]:
    """Check that shards are numbered without a gap, and that the manifest names all of them."""
    named = {entry.file for entry in manifest.shards}
    for split in SPLITS:
        count = sum(entry.split == split for entry in manifest.shards)
        for number in range(count):
            name = shard_name(split, number, count) + ENDING
            if name not in named:
                yield Fault(
                    file=MANIFEST, detail=f"names {count} shards of {split}, but not {name}"
                )
    for name in locations.list_names(folder):
        is_shard = name.endswith(ENDING) and name.split("-")[0] in SPLITS
        if is_shard and name not in named:
            yield Fault(file=name, detail=f"is a shard that {MANIFEST} does not name")


def _verify_rejections(folder: str, manifest: Manifest) -> Iterator[Fault]:
    """Check that there are as many rejected entries as the shards count."""
    import json

    try:
        lines = locations.read_whole(locations.join(folder, REJECTED)).splitlines()
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


def _verify_inputs(folder: str, entry: ShardEntry, root: Path, seen: set[str]) -> Iterator[Fault]:
    """Check that a shard's input videos are those that were decoded; each video is read once."""
    try:
        record = _load_record(locations.join(folder, entry.file))
    except (OSError, ShardError):
        return  # a record that can't be read is a fault already
    if record is None:
        yield Fault(file=entry.file, detail="has no record in .meta that names its inputs")
        return
    for source in record.sources:
        if source.path in seen:
            continue
        seen.add(source.path)
        problem = _input_problem(root / source.path, source.bytes, source.sha256)
        if problem:
            yield Fault(file=source.path, detail=problem)


def _input_problem(path: Path, size: int, sha256: str) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found = file.tell()
    except OSError as error:
        return f"can't be read: {error.strerror or error}"
    if found != size:
        return f"has {found} bytes, had {size} when it was decoded"
    return "" if digest == sha256 else "is not the file that was decoded: its SHA-256 differs"
