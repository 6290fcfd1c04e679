"""What becomes of the files about each shard once all shards are written.

While shards may still change, each has an index and pixel sums of its own. Then the indices of a
split are put together in one file, and the sums in another one, which says of which tars it is, so
that none is added twice or left out, whenever a run is killed. A shard with a video that
`--retry-failed` would read again keeps its own arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import PIXEL_SUM, ShardFiles, split_index
from lrcn_data.format.mean_image import PixelSums
from lrcn_data.format.records import ShardEntry, ShardRecord
from lrcn_data.format.shard_index import ShardIndex, load_pixel_sum
from lrcn_data.format.sources import source_number
from lrcn_data.format.split_index import SplitIndex, save_split_index
from lrcn_data.format.whole_sum import load_whole_sum, save_whole_sum, summed_tars
from lrcn_data.size import Size
from lrcn_data.splits import SPLITS

MOST_TARS = 1 << 20
"""The number of tars that a pixel sum may say it is of, where nothing else bounds it."""


class SettledShards:
    """What the files that stand for all shards hold, as an earlier run has left them.

    Args:
        folder: The data set's folder.
    """

    def __init__(self, folder: DataSetFolder) -> None:
        self._folder = folder
        self._indices: dict[str, dict[int, ShardIndex]] = {}

    def index(self, entry: ShardEntry) -> ShardIndex | None:
        """The index of a tar; None where that of its split doesn't have it."""
        if entry.split not in self._indices:
            self._indices[entry.split] = self._read(entry.split)
        index = self._indices[entry.split].get(source_number(entry.sha256))
        return index if index is not None and len(index) == entry.samples else None

    def _read(self, split: str) -> dict[int, ShardIndex]:
        if not self._folder.has(split_index(split)):
            return {}
        try:
            return dict(SplitIndex(self._folder, split).by_tar())
        except ShardError:
            return {}


def write_whole(
    folder: DataSetFolder,
    records: Mapping[str, ShardRecord],
    *,
    summed: Mapping[str, bool],
    canvas: Size,
    channels: int,
) -> None:
    """Write the files that stand for all shards: the pixel sum, and the index of each split.

    Args:
        folder: The data set's folder.
        records: The record of each shard of the data set by the shard's name, in order.
        summed: Whether the frames of each shard are summed up, by the shard's name.
        canvas: (width, height) of the pixel sums in pixels.
        channels: The number of channels of the frames.

    Raises:
        LrcnError: A shard that is in the sum was written anew with other bytes.
        OSError: A file can't be written.
    """
    _write_pixel_sum(
        folder,
        [record for name, record in records.items() if summed[name]],
        canvas=canvas,
        channels=channels,
    )
    settled = SettledShards(folder)
    for split in SPLITS:
        entries = [e for record in records.values() for e in record.entries if e.split == split]
        if entries:
            indices = [settled.index(entry) or _own_index(folder, entry) for entry in entries]
            save_split_index(folder, split, list(zip(entries, indices, strict=True)))


def remove_parts(folder: DataSetFolder, records: Iterable[ShardRecord]) -> None:
    """Remove the arrays of shards that will not change any more.

    Raises:
        OSError: A file can't be deleted.
    """
    for record in records:
        if not record.may_change:
            for entry in record.entries:
                folder.delete(ShardFiles.of(entry.file).arrays)


def _own_index(folder: DataSetFolder, entry: ShardEntry) -> ShardIndex:
    return ShardIndex.load(folder, ShardFiles.of(entry.file).arrays, samples=entry.samples)


def _write_pixel_sum(
    folder: DataSetFolder, records: list[ShardRecord], *, canvas: Size, channels: int
) -> None:
    """Add the sums of shards that will not change any more to those that were added before."""
    tars = {entry.sha256 for record in records for entry in record.entries}
    done = summed_tars(folder, most=MOST_TARS)
    if not done <= tars:
        raise LrcnError(
            f"{folder} has the pixel sum of shards that were since written anew with other bytes,"
            " as their videos have changed; delete it and make the data set anew, or use another"
            " --out"
        )
    new = [r for r in records if not r.may_change and not {e.sha256 for e in r.entries} <= done]
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
    done |= {entry.sha256 for record in new for entry in record.entries}
    save_whole_sum(folder, sums.pixel_sum, sums.frame_count, done)
