"""A folder whose files are there whole or not at all: on this machine, or in a store by its URL."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from lrcn_data.storage import locations, remote_files
from lrcn_data.storage.atomic_file import (
    atomic_file,
    remove_leftovers,
    sync_folder,
    write_atomically,
)
from lrcn_data.storage.folder_lock import Alone, StillHeld, part_lock, run_lock
from lrcn_data.storage.lease import lease, part_lease
from lrcn_data.storage.positioned_files import PositionedFiles
from lrcn_data.storage.temporary_folder import temporary_folder

_SCRATCH = re.compile(r"(run|part)-")
"""What the names of the folders begin with in which runs, and parts of runs, write first."""


class Folder:
    """A folder and what can be done with the files in it, each of which goes by its name.

    A name may have folders before it, as in `.meta/train-000.json`. May be pickled, may live
    through a fork, and threads may share it.

    Args:
        location: The path of the folder, or its URL in a store. It need not exist.

    Attributes:
        location: The path or URL in the one form in which locations are compared.

    Raises:
        UsageError: The location would run a program, or has credentials in it.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = locations.normal_location(location)
        self._ranges = PositionedFiles()

    def __str__(self) -> str:
        return self.location

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.location == self.location

    def __hash__(self) -> int:
        return hash(self.location)

    @property
    def is_local(self) -> bool:
        """Whether the folder is on this machine, or on a disk that this machine has mounted."""
        return not locations.is_url(self.location)

    @property
    def path(self) -> Path:
        """The path of a folder on this machine."""
        assert self.is_local
        return Path(self.location)

    def at(self, name: str) -> str:
        """The path or URL of a file."""
        return locations.join(self.location, name)

    def names(self, inside: str = "") -> list[str]:
        """The sorted names of all that is in the folder; none if there is no such folder.

        Args:
            inside: The name of a folder inside this one that is looked into instead.

        Raises:
            ShardError: The folder can't be read.
        """
        return locations.list_names(self.at(inside) if inside else self.location)

    def sizes(self) -> dict[str, int]:
        """The size in bytes of each file in the folder, by its name, with few requests to a store.

        Files of which a store doesn't say it are left out.

        Raises:
            ShardError: The folder can't be read.
        """
        return locations.sizes(self.location)

    def size(self, name: str) -> int | None:
        """The size of a file in bytes, or None if there is no file.

        Raises:
            ShardError: There is something else than a file, or its size can't be found out.
        """
        return locations.size_of(self.at(name))

    def has(self, name: str) -> bool:
        """Whether there is a file of that name.

        Raises:
            ShardError: There is something else than a file, or it can't be found out.
        """
        return self.size(name) is not None

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading from its start.

        Raises:
            OSError: The file is not there, can't be read, or is a device, a pipe or a folder.
        """
        return locations.open_binary(self.at(name))

    def read(self, name: str) -> bytes:
        """Read all of a file that describes something, which is never a large one.

        Raises:
            OSError: The file can't be read, or is larger than any such file is.
        """
        return locations.read_whole(self.at(name))

    def read_range(self, name: str, offset: int, length: int) -> bytes:
        """Read `length` bytes of a file from `offset` on; fewer only if the file ends before.

        Files that are read often stay open.

        Raises:
            ShardError: The file can't be read.
        """
        return self._ranges.read(self.at(name), offset, length)

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """A file as one on this machine: itself, or a copy for as long as the block runs.

        Raises:
            OSError: The file is not there or can't be read.
        """
        if self.is_local:
            yield Path(self.at(name))
            return
        with temporary_folder() as folder:
            with self.open(name) as file, (folder / "copy").open("wb") as copy:
                shutil.copyfileobj(file, copy)
            yield folder / "copy"

    def make(self, inside: str = "") -> None:
        """Make the folder, or one inside it, where that is needed; a store has none to make.

        Raises:
            OSError: It can't be made.
        """
        if self.is_local:
            (self.path / inside).mkdir(parents=True, exist_ok=True)

    def put(self, name: str, temporary: Path) -> None:
        """Give a finished file its place, where it appears at once or not at all.

        Args:
            name: The name that the file gets here; one of that name is replaced.
            temporary: The finished file, which is gone afterwards. For a folder on this machine it
                lies on the same disk, and all of it has been written to that disk.

        Raises:
            OSError: The file can't be put there.
        """
        if self.is_local:
            place = Path(self.at(name))
            temporary.replace(place)
            sync_folder(place.parent)
        else:
            remote_files.upload(temporary, self.at(name))
            temporary.unlink()

    def write(self, name: str, data: bytes) -> None:
        """Write a file, which appears at once or not at all.

        Raises:
            OSError: The file can't be written.
        """
        if self.is_local:
            write_atomically(Path(self.at(name)), data)
        else:
            remote_files.write(self.at(name), data)

    def put_new(self, name: str, temporary: Path) -> bool:
        """Put a finished file, unless another process has put another of that name there.

        On this machine the folder's lock sees to it that none has.

        Args:
            name: The name that the file will have.
            temporary: The file, which is gone afterwards.

        Returns:
            Whether the file is there as it is given now.

        Raises:
            OSError: The file can't be put there.
        """
        if self.is_local:
            self.put(name, temporary)
            return True
        put = remote_files.replace(self.at(name), temporary.read_bytes(), None)
        temporary.unlink()
        return put is not None

    @contextmanager
    def create(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file, which appears when the block is left without an error, at once.

        Raises:
            OSError: The file can't be written.
        """
        if self.is_local:
            with atomic_file(Path(self.at(name))) as file:
                yield file
            return
        with temporary_folder() as folder:
            with (folder / "new").open("w+b") as file:
                yield file
            remote_files.upload(folder / "new", self.at(name))

    def move(self, name: str, to: Folder) -> None:
        """Move a file into another folder, where one of its name is replaced.

        Args:
            name: The file's name, here and there.
            to: A folder of the same disk or store.

        Raises:
            OSError: The file can't be moved.
        """
        if self.is_local:
            place = Path(to.at(name))
            Path(self.at(name)).replace(place)
            sync_folder(place.parent)
        else:
            remote_files.move(self.at(name), to.at(name))

    def remove(self) -> None:
        """Remove the folder and all that is in it, if it is there.

        Raises:
            OSError: It can't be removed.
        """
        if not self.is_local:
            remote_files.remove_folder(self.location)
        elif self.path.exists():
            shutil.rmtree(self.path)

    def delete(self, name: str) -> None:
        """Delete a file, if it is there.

        Raises:
            OSError: The file can't be deleted.
        """
        if self.is_local:
            Path(self.at(name)).unlink(missing_ok=True)
        else:
            remote_files.delete(self.at(name))

    def lock(self) -> AbstractContextManager[StillHeld]:
        """Hold the folder for this process alone while a block runs.

        Returns:
            The context, which gives what tells whether it is still this process's.

        Raises:
            LrcnError: Another process holds the folder.
        """
        return run_lock(self.path) if self.is_local else lease(self.location)

    def lock_part(self, part: int) -> AbstractContextManager[Alone]:
        """Hold a part of the work in the folder for this process while a block runs.

        Args:
            part: The number of the part, from 0.

        Returns:
            The context, which gives what `folder_lock.part_lock` does.

        Raises:
            LrcnError: Another process holds that part, or the whole folder.
        """
        if self.is_local:
            return part_lock(self.path, part)
        return part_lease(self.location, part)

    def tidy(self, *inside: str) -> None:
        """Remove half-written files, named as `atomic_file.temporary_name` does, of dead processes.

        No other process may be writing such a file; those in `scratch` folders are left alone.

        Args:
            *inside: The names of the folders inside this one in which there may be such files too.
        """
        if self.is_local:
            for folder in (self.path, *(self.path / name for name in inside)):
                remove_leftovers(folder)

    def remove_scratch(self, inside: str) -> None:
        """Remove the `scratch` folders of dead processes. This process must hold the whole folder.

        Args:
            inside: The name of the folder inside this one in which they are.
        """
        if self.is_local and (self.path / inside).is_dir():
            for path in (self.path / inside).iterdir():
                if _SCRATCH.match(path.name) and path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def scratch(self, inside: str, part: int | None = None) -> Iterator[Path]:
        """A folder on this machine, or on the folder's disk, in which files are written first.

        It has a name that no other process's has, and is gone when the block ends, or when another
        process takes the same work over. Processes of a run that has died may live longer than it
        does; from then on they can't `put` anything.

        Args:
            inside: The name of the folder inside this one in which it is.
            part: The number of the part of the work that this process does; None for all of it.
        """
        if not self.is_local:
            with temporary_folder() as temporary:
                yield temporary
            return
        name = "run-" if part is None else f"part-{part}-"
        for old in (self.path / inside).glob(f"{name}*"):
            shutil.rmtree(old, ignore_errors=True)
        own = Path(tempfile.mkdtemp(prefix=name, dir=self.path / inside))
        try:
            yield own
        finally:
            shutil.rmtree(own, ignore_errors=True)

    @property
    def free_bytes(self) -> int | None:
        """The room that is left on the folder's disk; None for a store, which doesn't say."""
        return shutil.disk_usage(self.path).free if self.is_local else None
