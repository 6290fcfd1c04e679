"""Makes the index of shards that came without their .meta folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

import numpy as np

from lrcn_data.errors import ShardError
from lrcn_data.format.checked_manifest import load_manifest
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    MANIFEST,
    META,
    PIXEL_SUM,
    ShardFiles,
    first_part,
    split_index,
)
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import ShardEntry, ShardRecord
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.shard_index import ShardIndex
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.format.split_index import save_split_index
from lrcn_data.format.whole_sum import save_whole_sum
from lrcn_data.splits import SPLITS


def rebuild_index(
    folder: str | os.PathLike[str], *, plugins: Collection[str] = ()
) -> Iterator[str]:
    """Write what is missing of a data set's indices and pixel sum, and give the name of each file.

    The pixel sum is then that of the decoded frames, which differ from the frames before encoding
    by what JPEG loses. Files that are already there stay as they are.

    Args:
        folder: Path or URL of the data set, with its dataset.json.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.

    Yields:
        The name, relative to the folder, of each file that was written.

    Raises:
        UsageError: A plug-in has made the frames that is not named.
        ShardError: The manifest is missing, or a shard is not what the manifest says.
        OSError: A file can't be written.
    """
    data_set = DataSetFolder(folder)
    manifest = load_manifest(data_set)
    layout = layout_of(manifest, data_set.location, plugins)
    there = {f"{META}/{name}" for name in data_set.names(META)}
    sums = None
    if not _has_sums(manifest, there):
        sums = PixelSums(manifest.canvas_size, layout.channels)
    _make_meta(data_set)
    for split in SPLITS:
        entries = manifest.of_split(split)
        wanted = sums if manifest.summed_split in (None, split) else None
        yield from _index_split(data_set, split, entries, layout, there, wanted)
    if sums is not None:
        summed = manifest.of_split(manifest.summed_split)
        tars = {entry.sha256 for entry in summed if not _has_own_sum(entry, there)}
        save_whole_sum(data_set, sums.pixel_sum, sums.frame_count, tars)
        yield PIXEL_SUM


def _has_sums(manifest: Manifest, there: set[str]) -> bool:
    """Whether the pixel sums are there, in either form."""
    return PIXEL_SUM in there or all(
        ShardFiles.of(entry.file).arrays in there for entry in manifest.shards
    )


def _has_own_sum(entry: ShardEntry, there: set[str]) -> bool:
    """Whether a tar is of a shard that may still change, which keeps its own pixel sum."""
    return ShardFiles(first_part(entry.file)).arrays in there


def _index_split(
    folder: DataSetFolder,
    split: str,
    entries: list[ShardEntry],
    layout: SampleLayout,
    there: set[str],
    sums: PixelSums | None,
) -> Iterator[str]:
    """Write what is missing of a split's indices, and add its frames to the sums, if any."""
    files = [ShardFiles.of(entry.file) for entry in entries]
    has_arrays = split_index(split) in there or all(file.arrays in there for file in files)
    indices: list[tuple[ShardEntry, ShardIndex]] = []
    for entry, file in zip(entries, files, strict=True):
        if has_arrays and sums is None and file.dali_index in there:
            continue
        scan = _scan(folder, entry, layout, None if _has_own_sum(entry, there) else sums)
        record = _record(folder, entry)
        indices.append((entry, scan.index(record.source_numbers if record else {})))
        if file.dali_index not in there:
            folder.write(file.dali_index, scan.index_text())
            yield file.dali_index
    if entries and not has_arrays:
        save_split_index(folder, split, indices)
        yield split_index(split)


def _record(folder: DataSetFolder, entry: ShardEntry) -> ShardRecord | None:
    """The record of the shard that a tar is a part of; None where none can be read."""
    try:
        return folder.read_record(first_part(entry.file))
    except ShardError:
        return None


def _make_meta(folder: DataSetFolder) -> None:
    """Make the folder of the index, which must not be a link to another folder."""
    if folder.is_local and (folder.path / META).is_symlink():
        raise ShardError(
            f"{folder.at(META)} is a link; nothing is written through it: make it a folder"
        )
    try:
        folder.make(META)
    except OSError as error:
        raise ShardError(f"{folder.at(META)} can't be made: {error.strerror}") from error


def _scan(
    folder: DataSetFolder, entry: ShardEntry, layout: SampleLayout, sums: PixelSums | None
) -> ShardScan:
    """Read all of a shard that is what the manifest says, and add its frames to sums."""
    location = folder.at(entry.file)
    try:
        with folder.open(entry.file) as file:
            scan = ShardScan(file, layout)
            for sample in scan:
                if isinstance(sample, ShardError):
                    raise sample
                if sums is not None:
                    buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
                    for frame in decode_frames(sample, buffer):
                        sums.add(frame)
    except (OSError, ShardError) as error:
        raise ShardError(f"{location}: {error}; copy the shard again or make it anew") from error
    if len(scan.index()) != entry.samples:
        raise ShardError(
            f"{location} has {len(scan.index())} samples where {MANIFEST} says {entry.samples};"
            " copy both again or make the data set anew"
        )
    if (scan.size, scan.sha256) != (entry.bytes, entry.sha256):
        raise ShardError(
            f"{location} is not the shard that the manifest names: its SHA-256 differs; copy it"
            " again or make it anew"
        )
    return scan
