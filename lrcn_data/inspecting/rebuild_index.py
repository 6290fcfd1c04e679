"""Makes the index of shards that came without their .meta folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.file_names import MANIFEST, META, ShardPaths
from lrcn_data.format.frames import decode_frames, frame_bytes
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.sample_layout import SampleLayout, layout_of
from lrcn_data.format.shard_patterns import ENDING
from lrcn_data.format.shard_reader import load_manifest
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.storage import locations
from lrcn_data.storage.atomic_file import atomic_file, write_atomically


def rebuild_index(folder: str, *, plugins: Collection[str] = ()) -> Iterator[Path]:
    """Write the .idx and .npz of every shard that has none, and give the path of each.

    The pixel sums are then those of the decoded frames, which differ from those of the frames
    before encoding by what JPEG loses. Files that are already there stay as they are.

    Args:
        folder: The data set's folder on this machine, with its dataset.json.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.

    Yields:
        The path of each file that was written.

    Raises:
        UsageError: The folder is a URL, or a plug-in has made the frames that is not named.
        ShardError: The manifest is missing, or a shard is not what the manifest says.
    """
    location = locations.normal_location(folder)
    if locations.is_url(location):
        raise UsageError(f"{location} can't be written to; make the index in a folder on disk")
    manifest = load_manifest(location)
    layout = layout_of(manifest, location, plugins)
    for entry in manifest.shards:
        paths = ShardPaths(Path(location), entry.file.removesuffix(ENDING))
        missing = [path for path in (paths.index, paths.arrays) if not path.exists()]
        if not missing:
            continue
        _make_meta(Path(location) / META)
        scan, sums = _scan(paths, manifest, entry, layout)
        if paths.index in missing:
            write_atomically(paths.index, scan.index_text())
        if paths.arrays in missing:
            with atomic_file(paths.arrays) as file:
                scan.index().save(file, sums.pixel_sum, sums.frame_count)
        yield from missing


def _make_meta(folder: Path) -> None:
    """Make the folder of the index, which must not be a link to another folder."""
    if folder.is_symlink():
        raise ShardError(f"{folder} is a link; nothing is written through it: make it a folder")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ShardError(f"{folder} can't be made: {error.strerror}") from error


def _scan(
    paths: ShardPaths, manifest: Manifest, entry: ShardEntry, layout: SampleLayout
) -> tuple[ShardScan, PixelSums]:
    """Read all of a shard that is what the manifest says."""
    sums = PixelSums((manifest.canvas[0], manifest.canvas[1]), layout.channels)
    try:
        with locations.open_binary(str(paths.tar)) as file:
            scan = ShardScan(file, layout)
            for sample in scan:
                if isinstance(sample, ShardError):
                    raise sample
                buffer = np.empty(len(sample.frames) * frame_bytes(sample), np.uint8)
                for frame in decode_frames(sample, buffer):
                    sums.add(frame)
    except (OSError, ShardError) as error:
        raise ShardError(f"{paths.tar}: {error}; copy the shard again or make it anew") from error
    if len(scan.index()) != entry.samples:
        raise ShardError(
            f"{paths.tar} has {len(scan.index())} samples where {MANIFEST} says {entry.samples};"
            " copy both again or make the data set anew"
        )
    if (scan.size, scan.sha256) != (entry.bytes, entry.sha256):
        raise ShardError(
            f"{paths.tar} is not the shard that the manifest names: its SHA-256 differs; copy it"
            " again or make it anew"
        )
    return scan, sums
