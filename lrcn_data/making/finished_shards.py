"""Which shards of a data set are finished already, as far as can be told without reading them."""

from __future__ import annotations

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import META, ShardFiles
from lrcn_data.format.records import ShardEntry, ShardRecord
from lrcn_data.format.whole_sum import summed_tars
from lrcn_data.making.settle import MOST_TARS


class FinishedShards:
    """The shards that a folder holds when this object is made.

    A shard without arrays of its own is finished where its frames are in the pixel sum of all: its
    index is in that of its split, or can be made from the tar.

    Args:
        folder: The data set's folder, which need not exist.

    Raises:
        LrcnError: The folder can't be read.
    """

    def __init__(self, folder: DataSetFolder) -> None:
        self._folder = folder
        self._names = {*folder.names(), *(f"{META}/{name}" for name in folder.names(META))}
        try:
            self._summed = summed_tars(folder, most=MOST_TARS)
        except ShardError:
            self._summed = set()

    def record(self, name: str, fingerprint: str, *, summed: bool) -> ShardRecord | None:
        """The record of a shard that is finished; None if it isn't.

        Args:
            name: The shard's name, without an ending.
            fingerprint: The fingerprint that its record must have.
            summed: Whether its frames are to be summed up.
        """
        if ShardFiles(name).record not in self._names:
            return None
        try:
            record = self._folder.read_record(name)
            if record is None or record.fingerprint != fingerprint:
                return None
            there = all(self._is_whole(entry, summed=summed) for entry in record.entries)
        except (OSError, LrcnError):
            return None
        return record if there else None

    def _is_whole(self, entry: ShardEntry, *, summed: bool) -> bool:
        files = ShardFiles.of(entry.file)
        if not {files.tar, files.dali_index} <= self._names:
            return False
        if self._folder.size(files.tar) != entry.bytes:
            return False
        if files.arrays in self._names:
            return True
        return not summed or entry.sha256 in self._summed
