"""A training's state on the disk: the last one, the one before it, and the best one, all checked.

A checkpoint is what torch.save writes, followed by a mark and the SHA-256 of all before it, since
torch.load doesn't notice most damage. Readers of zip files ignore what follows, so that plain
torch.load reads it too. Nothing in it is ever unpickled but tensors, numbers and texts.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lrcn_data.errors import LrcnError
from lrcn_data.storage.atomic_file import sync_folder, temporary_name
from lrcn_model.run_folder import run_file

_MARK = b"lrcn-sha256-0001"
_TRAILER = len(_MARK) + hashlib.sha256().digest_size

State = dict[str, Any]


class CheckpointError(LrcnError):
    """A checkpoint that is damaged or was not written by this program."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of a run: the last one, the one before it, and the best on val.

    Attributes:
        folder: The folder of the checkpoints, which must exist before one is saved.
    """

    folder: Path

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.folder / "last.pt"

    @property
    def previous(self) -> Path:
        """The one before it."""
        return self.folder / "previous.pt"

    @property
    def best(self) -> Path:
        """The one after the epoch with the best scores on the clips for validation."""
        return self.folder / "best.pt"

    def save(self, state: State, *, best: bool = False) -> None:
        """Write a checkpoint; at every moment at least one whole checkpoint is there.

        Args:
            state: Everything that a training needs to go on.
            best: Whether the weights are the best so far, so that `best` becomes this one.

        Raises:
            LrcnError: It can't be written.
        """
        with run_file(self.last) as file:
            _write(state, file)
            file.flush()
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            file.write(_MARK + digest)
            if self.last.exists():
                _keep(self.last, self.previous)
        if best:
            _keep(self.last, self.best)

    def load(self, warn: Callable[[str], None]) -> State | None:
        """The newest sound checkpoint, with its tensors on the CPU; None where there is none.

        A damaged one is moved away; so only one of several processes may call this.

        Args:
            warn: Called with a message where the newest is damaged and an older one is used.

        Raises:
            CheckpointError: There are checkpoints and all of them are damaged.
        """
        faults = []
        for path in (self.last, self.previous, self.best):
            if not path.exists():
                continue
            try:
                state = load_checkpoint(path)
            except CheckpointError as error:
                faults.append(f"{error}")
                continue
            if faults and self.last.exists():
                # so that the next save doesn't put it in the place of the sound one
                self.last.replace(self.folder / "damaged.pt")
            if faults:
                warn(f"{'; '.join(faults)}; going on from {path}, {_OLDER[path.name]}")
            return state
        if faults:
            raise CheckpointError(f"{'; '.join(faults)}; train anew with --fresh")
        return None


def _write(state: State, file: BinaryIO) -> None:
    """Write as torch.save does, but raise OSError where that fails because of the disk."""
    try:
        torch.save(state, file)
    except RuntimeError as error:
        # torch's own error, which hides what the file has said
        said = str(error).strip().partition("\n")[0]
        raise OSError(
            errno.EIO, f"no space left, or a fault of the disk (torch: {said})"
        ) from error


_OLDER = {"previous.pt": "the one before", "best.pt": "the best on the val shards"}


def _keep(path: Path, name: Path) -> None:
    """Give a checkpoint a second name, by which it stays when the first is given to another."""
    second = temporary_name(name)
    second.unlink(missing_ok=True)
    try:
        second.hardlink_to(path)
        second.replace(name)
        sync_folder(name.parent)
    except OSError:
        # a file system without such names
        with path.open("rb") as file, run_file(name) as copy:
            shutil.copyfileobj(file, copy)


def load_checkpoint(path: Path) -> State:
    """Read a checkpoint, provided that every byte of it is what was written.

    Returns:
        What was saved, with its tensors on the CPU.

    Raises:
        CheckpointError: The checkpoint is damaged, or was not written by this program.
    """
    try:
        _check(path)
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"the checkpoint {path} can't be read: it holds more than tensors, numbers and texts,"
            " which lrcn-train never writes"
        ) from error
    except (OSError, ValueError, RuntimeError, EOFError) as error:
        reason = str(error).strip().split("\n")[0]
        raise CheckpointError(f"the checkpoint {path} can't be read: {reason}") from error
    return state


def _check(path: Path) -> None:
    """Raise ValueError unless the file ends with the SHA-256 of what comes before."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data) - _TRAILER
        if end <= 0 or data[end : end + len(_MARK)] != _MARK:
            raise ValueError("its end is missing, or lrcn-train did not write it")
        digest = hashlib.sha256()
        with memoryview(data) as view, view[:end] as content:
            digest.update(content)
        if digest.digest() != data[end + len(_MARK) :]:
            raise ValueError("its bytes are not those that were written")
