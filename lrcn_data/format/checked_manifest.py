"""Reads the manifest of a finished data set, and refuses values that no writer writes."""

from __future__ import annotations

import re
from fractions import Fraction

from lrcn_data.errors import ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import MANIFEST
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.mean_image import MAX_CANVAS_PIXELS
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.sample_members import MAX_FRAMES
from lrcn_data.format.shard_patterns import describe_folder
from lrcn_data.format.sources import is_sha256
from lrcn_data.format.tar_members import BLOCK
from lrcn_data.splits import SPLITS

_SHARD_FILE = re.compile(r"[A-Za-z0-9_-]{1,200}\.tar")
_RATE = re.compile(r"\d{1,9}(\.\d{1,9})?(/\d{1,9})?", re.ASCII)


def load_manifest(folder: DataSetFolder) -> Manifest:
    """Read the manifest of a finished data set.

    Raises:
        ShardError: The manifest is missing or unreadable, or says that the data set is not
            complete.
    """
    location = folder.at(MANIFEST)
    try:
        manifest = folder.read_manifest()
        if manifest is None:
            raise ShardError(
                f"{folder} has no readable {MANIFEST} ({describe_folder(folder.location)}); name a"
                " folder that `lrcn-data shard` wrote"
            )
    except OSError as error:
        raise ShardError(f"{location} can't be read: {error}; check the path") from error
    try:
        _check_manifest(manifest)
    except (ShardError, ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise ShardError(f"{location}: {error}; copy it again from where it was made") from error
    if not manifest.complete:
        command = "merge` or `subset" if manifest.made_from else "shard"
        raise ShardError(
            f"{location} says that the data set is not complete; run the same `lrcn-data {command}`"
            " command again, which goes on where it stopped"
        )
    return manifest


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
    for name in ("multi_label", "labels_in_time"):
        if not isinstance(manifest.options.get(name, False), bool):
            raise ShardError(f"says {name} {manifest.options[name]!r:.60}")
    if manifest.multi_label and manifest.labels_in_time:
        raise ShardError("says that samples have sets of classes, and their frames other ones")
    if not 1 <= manifest.seq_len <= MAX_FRAMES or Fraction(manifest.fps) <= 0:
        raise ShardError(f"says seq_len {manifest.seq_len} and fps {manifest.fps}")
    width, height = manifest.canvas
    if not _are_counts(width, height) or not 1 <= width * height <= MAX_CANVAS_PIXELS:
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
        _check_counts(entry, manifest)
    _check_appends(manifest)
    _check_made_from(manifest)


def _check_appends(manifest: Manifest) -> None:
    """Refuse appends that have not added what the manifest has.

    Raises:
        ShardError, ValueError, TypeError: There are such appends.
    """
    for append in manifest.appends:
        if not _are_counts(*dict(append.shards).values(), *dict(append.videos).values()):
            raise ShardError("has something else than counts of what an append has added")
        if not isinstance(append.classes, list) or not isinstance(append.fingerprint, str):
            raise ShardError("has an append with classes or a fingerprint that are none")
    added = [name for append in manifest.appends for name in append.classes]
    if manifest.classes[len(manifest.first_classes) :] != added:
        raise ShardError("has appends that have added other classes")
    manifest.fingerprint_of()


def _check_made_from(manifest: Manifest) -> None:
    """Refuse what can't be said of the data sets that one was made from.

    Raises:
        ShardError: The manifest says it.
    """
    counts = [count for one in manifest.made_from for count in (one.samples, one.left_out)]
    if not _are_counts(manifest.decoded_frames, *counts):
        raise ShardError("has something else than counts of the frames and samples that it has got")
    for one in manifest.made_from:
        if not (is_sha256(one.tars) and isinstance(one.fingerprint, str)):
            raise ShardError("was made from a data set with something else than hashes")
        if not (isinstance(one.options, dict) and isinstance(one.tools, dict)):
            raise ShardError("was made from a data set whose options or tools are no object")


def _check_counts(entry: ShardEntry, manifest: Manifest) -> None:
    """Refuse counts that no shard can have.

    Raises:
        ShardError: The entry has such counts.
    """
    counts = (entry.videos, entry.samples, entry.frames, entry.bytes, entry.skipped, entry.failed)
    if not _are_counts(*counts) or not is_sha256(entry.sha256):
        raise ShardError(f"has something else than counts and a hash for {entry.file}")
    most = entry.samples * manifest.seq_len
    least = entry.samples if manifest.variable_length else most
    if not least <= entry.frames <= most:
        raise ShardError(
            f"says {entry.frames} frames in the {entry.samples} samples of {entry.file}"
        )
    if (entry.frames + 2 * entry.samples) * BLOCK > entry.bytes:
        raise ShardError(f"says {entry.samples} samples in the {entry.bytes} bytes of {entry.file}")


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and value >= 0 for value in values)
