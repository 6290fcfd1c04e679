"""Runs in stores, worked on in copies on this machine.

What is written into a copy is put into the store whenever `publish` is called, by a thread: what
says that other files are there comes after them. So whatever is killed, the run in the store is one
that a training can go on with.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_data.storage.atomic_file import TEMPORARY, temporary_name, write_failure
from lrcn_data.storage.folder_lock import StillHeld
from lrcn_data.storage.temporary_folder import temporary_folder
from lrcn_model.run_folder import CHECKPOINTS, CONFIG, METRICS, RUNS, TENSORBOARD, RunFolder

_MOST_BYTES = 1 << 40
"""The bytes of a file above which it is none of a run's."""

_LAST_CHECKPOINT = f"{CHECKPOINTS}/last.pt"
"""The one checkpoint that a store is given: it takes a file whole or not at all."""

_RECORD, _SCORES = ".json", ".npz"
"""How the files of an evaluation end: the first says that the second is there."""


class _State(NamedTuple):
    """What tells a file that has been written anew from what it was before."""

    inode: int
    bytes: int
    time: int


class RunCopy(RunFolder):
    """A copy of a run in a store.

    Args:
        original: The run.
        path: An empty folder on this machine for the copy.
        taken: An empty folder on the same disk, for files on their way to the store.
        still_held: Raises an error if this process may no longer write into the run.
    """

    def __init__(self, original: RunFolder, path: Path, taken: Path, still_held: StillHeld) -> None:
        super().__init__(path)
        self._original, self._taken, self._still_held = original, taken, still_held
        self._known: dict[str, _State] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lrcn-run")
        self._sending: Future[None] | None = None

    def __str__(self) -> str:
        return self._original.location

    @property
    def original(self) -> RunFolder:
        """The run in the store."""
        return self._original

    @property
    def beside(self) -> Path:
        """The folder on this machine for what several runs share."""
        return RUNS

    def place(self, path: Path) -> str:
        """The URL of a file, by its path in the copy."""
        return self.told(path)

    def told(self, message: object) -> str:
        """A message as a text, with URLs in place of the copy's paths."""
        return str(message).replace(self.location, self._original.location)

    def clear(self) -> None:
        """Remove the run's files, in the store too."""
        super().clear()
        self._original.clear()
        self._known.clear()

    def fetch(self, wanted: Collection[str]) -> None:
        """Copy files of the run to this machine, if there is a run.

        Args:
            wanted: The names of files, and of folders whose files are meant.

        Raises:
            LrcnError: One can't be had.
        """
        if not wanted or not self._original.exists():
            return
        try:
            for name in remote_files.find(self._original.location):
                folder, _, file = name.rpartition("/")
                if file and file != ".." and (folder or file) in wanted:
                    self._fetch(name)
        except OSError as error:
            raise LrcnError(
                f"{self._original} can't be read: {error.strerror or error}; mend it, then run the"
                " same command again"
            ) from error

    def _fetch(self, name: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        half = temporary_name(path)
        with half.open("wb") as file:
            remote_files.fetch(self._original.at(name), file, most=_MOST_BYTES)
        half.replace(path)
        self._known[name] = _state(path)

    def publish(self) -> None:
        """Have a thread put all files into the store that were written since the last time.

        Raises:
            LrcnError: Those of the last time can't be put there, or another process has taken the
                run over.
        """
        self._wait()
        try:
            self._still_held()
            changed = self._changed()
            for number, (name, _) in enumerate(changed):
                _take(self.path / name, self._taken / str(number), grows=_grows(name))
        except OSError as error:
            raise write_failure(str(self), error) from error
        self._sending = self._thread.submit(self._send, changed)

    def finish(self) -> None:
        """Put into the store what isn't there yet, once more if that has failed before, and wait.

        Raises:
            LrcnError: It can't be put there, or another process has taken the run over.
        """
        try:
            with suppress(LrcnError):
                self._wait()
            self.publish()
            self._wait()
        finally:
            # not to let go of the run while something is still on its way
            self._thread.shutdown()

    def _wait(self) -> None:
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.result()

    def _changed(self) -> list[tuple[str, _State]]:
        """The files that the store doesn't have as they are now, in the order for sending them."""
        found = []
        for path in self.path.rglob("*"):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and _is_published(name):
                state = _state(path)
                if self._known.get(name) != state:
                    found.append((name, state))
        return sorted(found, key=lambda one: (_turn(one[0]), one[0]))

    def _send(self, changed: Sequence[tuple[str, _State]]) -> None:
        try:
            for number, (name, state) in enumerate(changed):
                self._still_held()
                if name.endswith(_SCORES):
                    # it is of other scores from here on
                    self._original.delete(name.removesuffix(_SCORES) + _RECORD)
                self._original.put(name, self._taken / str(number))
                self._known[name] = state
        except OSError as error:
            raise write_failure(str(self), error) from error


@contextmanager
def on_this_machine(
    folder: RunFolder, wanted: Collection[str] = (), still_held: StillHeld = lambda: None
) -> Iterator[RunFolder]:
    """A run's folder on this machine: the run itself, or a copy of it while the block runs.

    What is written into a copy is in the store when the block ends. What is removed there stays in
    the store, but for what `clear` removes.

    Args:
        folder: The run.
        wanted: What a copy begins with: the names of files, and of folders whose files are meant.
        still_held: Raises an error if this process may no longer write into the run.

    Raises:
        LrcnError: A copy can't be made, or what is written can't be put into the store.
    """
    if folder.is_local:
        yield folder
        return
    with _two_folders() as (path, taken):
        copy = RunCopy(folder, path, taken, still_held)
        copy.fetch(wanted)
        try:
            yield copy
        except LrcnError as error:
            # what a failed training has written tells why; its own error is the one to be told
            with suppress(LrcnError):
                copy.finish()
            error.args = (copy.told(error), *error.args[1:])
            raise
        except BaseException:
            # a stopped training says that it is kept
            copy.finish()
            raise
        copy.finish()


@contextmanager
def _two_folders() -> Iterator[tuple[Path, Path]]:
    """Two empty folders on one disk, for temporary files.

    Raises:
        LrcnError: They can't be made.
    """
    with ExitStack() as held:
        try:
            around = held.enter_context(temporary_folder())
            paths = around / "run", around / "taken"
            for path in paths:
                path.mkdir()
        except OSError as error:
            raise write_failure("the folder for temporary files (TMPDIR)", error) from error
        yield paths


def _state(path: Path) -> _State:
    found = path.stat()
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)


def _is_published(name: str) -> bool:
    if name.endswith(TEMPORARY):
        return False
    return not name.startswith(f"{CHECKPOINTS}/") or name == _LAST_CHECKPOINT


def _turn(name: str) -> int:
    """How late a file is sent: those that say that others are there come after these."""
    if name == _LAST_CHECKPOINT:
        return 3
    if name == CONFIG:
        return 2
    return int(name.endswith(_RECORD))


def _grows(name: str) -> bool:
    """Whether a file is written on, where others are replaced."""
    return name == METRICS or name.startswith(f"{TENSORBOARD}/")


def _take(path: Path, to: Path, *, grows: bool) -> None:
    """Keep a file as it is now until it has been sent."""
    # one that couldn't be sent may be there, and be a second name of a file of the copy
    to.unlink(missing_ok=True)
    if not grows:
        with suppress(OSError):  # a file system without such names
            to.hardlink_to(path)
            return
    shutil.copyfile(path, to)
