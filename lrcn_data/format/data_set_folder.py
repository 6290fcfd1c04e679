"""The folder of a data set: the files in it that are about the whole, and those of each shard."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lrcn_data.errors import LrcnError, ShardError
from lrcn_data.format.file_names import MANIFEST, PIXEL_SUM, STAGED, ShardFiles, split_index
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardRecord
from lrcn_data.splits import SPLITS
from lrcn_data.storage.folder import Folder


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenShard:
    """A shard that is finished, but not yet in the data set's folder.

    Attributes:
        name: The shard's name, without an ending.
        record: What is recorded of the shard.
        files: The finished temporary files by the names that they will have in the folder; the
            record's is the last one.
    """

    name: str
    record: ShardRecord
    files: dict[str, Path] = field(default_factory=dict)


class DataSetFolder(Folder):
    """The folder of a data set, on this machine or in a store; see FORMAT.md for what is in it."""

    @property
    def staged(self) -> DataSetFolder:
        """The folder in which an append is made, until it is whole and moves into this one."""
        return DataSetFolder(self.at(STAGED))

    @property
    def append_moves_in(self) -> bool:
        """Whether an append is whole, so that some of its files may be in this folder already."""
        try:
            manifest = self.staged.read_manifest()
        except (OSError, ShardError):
            return False
        return manifest is not None and manifest.complete

    def read_manifest(self) -> Manifest | None:
        """Read the manifest, also that of an unfinished data set; None where there is none.

        Raises:
            ShardError: It is damaged, or needs a later version of lrcn.
            OSError: It can't be read.
        """
        try:
            return Manifest.from_json(self.read(MANIFEST))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest.

        Raises:
            OSError: It can't be written.
        """
        self.write(MANIFEST, manifest.to_json())

    def read_record(self, name: str) -> ShardRecord | None:
        """Read the record of a shard; None where there is none.

        Args:
            name: The shard's name, without an ending.

        Raises:
            ShardError: It is damaged or can't be read.
        """
        try:
            return ShardRecord.from_json(self.read(ShardFiles(name).record))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ShardError(f"can't be read: {error}") from error

    def put_shard(self, shard: WrittenShard) -> None:
        """Give a finished shard's files their places, the record last.

        A shard that is there already is replaced, unless it is the same: then another process has
        made it too. At no moment does a record stand beside a tar that it isn't of.

        Raises:
            LrcnError: Another process has put another shard of that name there meanwhile; it is to
                be made again.
            OSError: A file can't be put there.
        """
        record = ShardFiles(shard.name).record
        if self.has(record):
            if self._holds(shard):
                for temporary in shard.files.values():
                    temporary.unlink()
                return
            self._remove_other_parts(shard)
            self.delete(record)
        for name, temporary in shard.files.items():
            if name != record:
                self.put(name, temporary)
        if not self.put_new(record, shard.files[record]):
            # its tar may have been replaced by this one
            self.delete(record)
            raise LrcnError(
                f"{self.at(record)}: two runs wrote this shard at the same time, and not the same;"
                " run the same command again, which makes it anew"
            )

    def remove_shard(self, name: str) -> None:
        """Remove all files of a shard; its record last, by which the shard is known to be ours."""
        files = ShardFiles(name)
        record = self.read_record(name)
        for entry in record.entries if record else ():
            part = ShardFiles.of(entry.file)
            for file in (part.tar, part.dali_index, part.arrays):
                self.delete(file)
        self.delete(files.record)

    def remove_whole(self) -> None:
        """Remove the files in which the arrays of all shards stand together."""
        for name in (PIXEL_SUM, *map(split_index, SPLITS)):
            self.delete(name)

    def _holds(self, shard: WrittenShard) -> bool:
        """Whether the folder has a shard's files already, as far as the record and sizes tell."""
        if self.read(ShardFiles(shard.name).record) != shard.record.to_json():
            return False
        return all(self.size(name) == path.stat().st_size for name, path in shard.files.items())

    def _remove_other_parts(self, shard: WrittenShard) -> None:
        """Remove the tars that a shard had before and has no more."""
        try:
            before = self.read_record(shard.name)
        except ShardError:
            return
        for entry in before.entries if before else ():
            part = ShardFiles.of(entry.file)
            if part.tar not in shard.files:
                for name in (part.tar, part.dali_index, part.arrays):
                    self.delete(name)
