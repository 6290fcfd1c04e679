"""What becomes of the files about each shard once all shards are written.

While shards may still change, each has an index and pixel sums of its own. Then the indices of a
split are put together in one file, and the sums in another one, which says of which tars it is, so
that none is added twice or left out, whenever a run is killed. A shard with a video that
`--retry-failed` would read again keeps its own arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import META, PIXEL_SUM, ShardFiles
from lrcn_data.format.index_form import IndexForm
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import ShardEntry, ShardRecord
from lrcn_data.format.sample_layout import SampleLayout
from lrcn_data.format.shard_index import ShardIndex, load_pixel_sum
from lrcn_data.format.shard_scan import ShardScan
from lrcn_data.format.sources import UNKNOWN_SOURCE, source_number
from lrcn_data.format.split_index import SplitIndex, save_split_index
from lrcn_data.format.whole_sum import load_whole_sum, save_whole_sum, summed_tars
from lrcn_data.size import Size
from lrcn_data.splits import SPLITS

MOST_TARS = 1 << 20
"""The number of tars that a pixel sum may say it is of, where nothing else bounds it."""


def write_whole(
    folder: DataSetFolder,
    records: Mapping[str, ShardRecord],
    *,
    summed: Mapping[str, bool],
    canvas: Size,
    layout: SampleLayout,
) -> None:
    """Write the files that stand for all shards: the pixel sum, and the index of each split.

    Args:
        folder: The data set's folder.
        records: The record of each shard of the data set by the shard's name, in order.
        summed: Whether the frames of each shard are summed up, by the shard's name.
        canvas: (width, height) of the pixel sums in pixels.
        layout: How the samples are made up.

    Raises:
        LrcnError: A shard that is in the sum was written anew with other bytes, or a tar whose
            index is lost is not what was written.
        OSError: A file can't be written.
    """
    write_pixel_sum(folder, records, summed=summed, canvas=canvas, channels=layout.channels)
    write_indices(folder, records, layout=layout)


def write_indices(
    folder: DataSetFolder, records: Mapping[str, ShardRecord], *, layout: SampleLayout
) -> None:
    """Write the index of each split; see `write_whole`."""
    there = set(folder.names(META))
    for split in SPLITS:
        parts = [(r, e) for r in records.values() for e in r.entries if e.split == split]
        if parts:
            before = _indices_before(folder, split, layout.index_form)
            indices = [_index(folder, *part, layout, before, there) for part in parts]
            save_split_index(
                folder, split, [(e, index) for (_, e), index in zip(parts, indices, strict=True)]
            )


def _indices_before(folder: DataSetFolder, split: str, form: IndexForm) -> dict[int, ShardIndex]:
    """The index of each tar that a split's index has, by the number that stands for the tar."""
    try:
        return dict(SplitIndex(folder, split, form).by_tar())
    except ShardError:
        return {}


def _index(
    folder: DataSetFolder,
    record: ShardRecord,
    entry: ShardEntry,
    layout: SampleLayout,
    before: Mapping[int, ShardIndex],
    there: Collection[str],
) -> ShardIndex:
    """The index of a tar: its own, else that in its split's index, else made from the tar."""
    files = ShardFiles.of(entry.file)
    index = before.get(source_number(entry.sha256))
    if PurePosixPath(files.arrays).name in there:
        index = ShardIndex.load(folder, files.arrays, samples=entry.samples, form=layout.index_form)
    # those of older versions don't know the inputs, which the record does
    is_known = index is not None and not (record.sources and (index.source == UNKNOWN_SOURCE).any())
    if index is not None and is_known and len(index) == entry.samples:
        return index
    return _scanned(folder, record, entry, layout)


def _scanned(
    folder: DataSetFolder, record: ShardRecord, entry: ShardEntry, layout: SampleLayout
) -> ShardIndex:
    """Make the index of a tar by reading all of it.

    Raises:
        LrcnError: The tar is not what was written.
    """
    with folder.open(entry.file) as file:
        scan = ShardScan(file, layout)
        try:
            sound = all(not isinstance(sample, ShardError) for sample in scan)
        except ShardError:
            sound = False
    if not sound or scan.sha256 != entry.sha256:
        raise LrcnError(
            f"{folder.at(entry.file)} is not what was written; delete it, and run the same command"
            " again"
        )
    return scan.index(record.source_numbers)


def remove_parts(folder: DataSetFolder, records: Iterable[ShardRecord]) -> None:
    """Remove the arrays of shards that will not change any more.

    Raises:
        OSError: A file can't be deleted.
    """
    for record in records:
        if not record.may_change:
            for entry in record.entries:
                folder.delete(ShardFiles.of(entry.file).arrays)


def write_pixel_sum(
    folder: DataSetFolder,
    records: Mapping[str, ShardRecord],
    *,
    summed: Mapping[str, bool],
    canvas: Size,
    channels: int,
) -> None:
    """Add up the sums of the shards that will not change any more; see `write_whole`.

    They are added to those that were added before, unless all of them still have their own.
    """
    settled = [r for name, r in records.items() if summed[name] and not r.may_change]
    there = set(folder.names(META))
    own = [
        record
        for record in settled
        if PurePosixPath(ShardFiles.of(record.entry.file).arrays).name in there
    ]
    done = set() if len(own) == len(settled) else summed_tars(folder, most=MOST_TARS)
    tars = {entry.sha256 for record in settled for entry in record.entries}
    if not done <= tars:
        raise LrcnError(
            f"{folder} has the pixel sum of shards that were since written anew with other bytes,"
            " as their videos have changed; delete it and make the data set anew, or use another"
            " --out"
        )
    new = [r for r in settled if not {e.sha256 for e in r.entries} <= done]
    if not new and folder.has(PIXEL_SUM):
        return
    sums = PixelSums(canvas, channels)
    if done:
        total, count = load_whole_sum(folder, canvas=canvas, channels=channels)
        sums.add_total(total, frame_count=count, exact_frames=0)
    for record in new:
        arrays = ShardFiles.of(record.entry.file).arrays
        total, count = load_pixel_sum(folder, arrays, canvas=canvas, channels=channels)
        sums.add_total(total, frame_count=count, exact_frames=0)
    save_whole_sum(folder, sums.pixel_sum, sums.frame_count, tars)
