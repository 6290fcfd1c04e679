"""The last step of an append: what was made beside a data set moves into it.

An append is made in a folder of its own, `staged`, inside the data set's folder, so that whoever
reads the data set finds that of before. Once all of it is there, its manifest, which is that of the
data set as it is to be, says `complete`: from then on nothing but this step is left, which needs no
videos and no lists. It may be stopped anywhere, and done again.

The tars come first, then the indices of the splits, which go on behind what the manifest of before
names. The manifest comes next, and with it the new shards are there, each with pixel sums of its
own. At last these are added to the sum of all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lrcn_data.errors import LrcnError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import (
    DATA_CARD,
    MANIFEST,
    META,
    PIXEL_SUM,
    REJECTED,
    STAGED,
    ShardFiles,
    added_entries,
    first_part,
)
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.format.sample_layout import layout_of
from lrcn_data.making.run_plan import DERIVED, read_manifest
from lrcn_data.making.settle import remove_parts, write_indices, write_pixel_sum


def finish_append(folder: DataSetFolder, *, plugins: Collection[str]) -> Manifest | None:
    """Move an append that is whole into its data set; leave one that isn't.

    Args:
        folder: The data set's folder, which this process holds.
        plugins: The names of the plug-ins that may be imported, if one has made the frames.

    Returns:
        The manifest that the data set has got; None where there was nothing to move.

    Raises:
        LrcnError: A file of the append, or of the data set, is lost or damaged.
        UsageError: A plug-in has made the frames that is not named.
        OSError: A file can't be moved.
    """
    if STAGED not in folder.names():
        return None
    staged = folder.staged
    manifest = read_manifest(staged)
    if manifest is None:
        # of one that had hardly begun, or that has ended but for this
        staged.remove()
        return None
    if not manifest.complete:
        return None
    layout = layout_of(manifest, folder.location, plugins)
    there = {*staged.names(), *(f"{META}/{name}" for name in staged.names(META))}
    for name in _files(manifest):
        if name in there:
            staged.move(name, folder)
    for name in DERIVED:
        folder.delete(name)
    records = _records(manifest, folder)
    write_indices(folder, records, layout=layout)
    before = read_manifest(folder)
    if before is not None and before.summed_split != manifest.summed_split:
        # what was summed up is no longer of the split that now is
        folder.delete(PIXEL_SUM)
    staged.move(MANIFEST, folder)
    summed = {
        name: manifest.summed_split in (None, record.entry.split)
        for name, record in records.items()
    }
    write_pixel_sum(
        folder, records, summed=summed, canvas=manifest.canvas_size, channels=layout.channels
    )
    remove_parts(folder, records.values())
    staged.remove()
    return manifest


def _files(manifest: Manifest) -> Iterator[str]:
    """The names of the files that the last append has made, records after tars."""
    last = manifest.appends[-1].fingerprint
    made_by = manifest.fingerprint_of()
    names = [name for name, fingerprint in made_by.items() if fingerprint == last]
    for entry in manifest.shards:
        if made_by[first_part(entry.file)] == last:
            part = ShardFiles.of(entry.file)
            yield from (part.tar, part.dali_index, part.arrays)
    yield from (ShardFiles(name).record for name in names)
    yield from (added_entries(len(manifest.appends) - 1), REJECTED, DATA_CARD)


def _records(manifest: Manifest, folder: DataSetFolder) -> dict[str, ShardRecord]:
    """The records of all shards, by their names and in the manifest's order."""
    records = {}
    for name in manifest.fingerprint_of():
        record = folder.read_record(name)
        if record is None:
            raise LrcnError(
                f"{folder.at(ShardFiles(name).record)} has vanished, and with it what it takes to"
                f" finish an append; put it back, or delete {folder.staged}"
            )
        records[name] = record
    return records
