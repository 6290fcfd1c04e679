"""Runs in stores, worked on in copies on this machine.

What is written into a copy is put into the store whenever `publish` is called, by a thread, in the
order in which it was written: what says that other files are there follows them. So whatever is
killed, the run in the store is one that a training can go on with.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_data.storage.atomic_file import TEMPORARY, write_failure
from lrcn_data.storage.folder_lock import StillHeld
from lrcn_data.storage.temporary_folder import temporary_folder
from lrcn_model.run_folder import CHECKPOINTS, METRICS, RUNS, TENSORBOARD, RunFolder

_MOST_BYTES = 1 << 40
"""The bytes of a file above which it is none of a run's."""

_LAST_CHECKPOINT = "last.pt"
"""The one checkpoint that a store is given: it takes a file whole or not at all."""

Wanted = Callable[[str], bool]
"""Whether a file of a run is wanted on this machine, by its name in the run's folder."""


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
        still_held: Raises an LrcnError if this process may no longer write into the run.
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

    def fetch(self, wanted: Wanted) -> None:
        """Copy files of the run to this machine.

        Raises:
            LrcnError: One can't be had.
        """
        try:
            for name in remote_files.find(self._original.location):
                if wanted(name):
                    self._fetch(name)
        except OSError as error:
            raise LrcnError(
                f"{self._original} can't be read: {error.strerror or error}; mend it, then run the"
                " same command again"
            ) from error

    def _fetch(self, name: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            remote_files.fetch(self._original.at(name), file, most=_MOST_BYTES)
        self._known[name] = _state(path)

    def publish(self) -> None:
        """Have a thread put all files into the store that were written since the last time.

        Raises:
            LrcnError: Those of the last time can't be put there, or another process has taken the
                run over.
        """
        self.wait()
        self._still_held()
        now = {
            str(path.relative_to(self.path)): _state(path)
            for path in self.path.rglob("*")
            if path.is_file() and _is_published(path.relative_to(self.path))
        }
        changed = [(name, state) for name, state in now.items() if self._known.get(name) != state]
        changed.sort(key=lambda one: one[1].time)
        for number, (name, _) in enumerate(changed):
            _take(self.path / name, self._taken / str(number), grows=_grows(name))
        gone = sorted(self._known.keys() - now.keys())
        self._sending = self._thread.submit(self._send, changed, gone)

    def wait(self) -> None:
        """Wait until all is in the store that was published.

        Raises:
            LrcnError: It can't be put there.
        """
        sending, self._sending = self._sending, None
        if sending is not None:
            sending.result()

    def _send(self, changed: Sequence[tuple[str, _State]], gone: Sequence[str]) -> None:
        try:
            for name in gone:
                self._original.delete(name)
                del self._known[name]
            for number, (name, state) in enumerate(changed):
                self._original.put(name, self._taken / str(number))
                self._known[name] = state
        except OSError as error:
            raise write_failure(str(self._original), error) from error


@contextmanager
def on_this_machine(
    folder: RunFolder, wanted: Wanted, still_held: StillHeld = lambda: None
) -> Iterator[RunFolder]:
    """A run's folder on this machine: the run itself, or a copy of it while the block runs.

    What is written into a copy is in the store when the block ends.

    Args:
        folder: The run.
        wanted: Which of its files a copy begins with.
        still_held: Raises an LrcnError if this process may no longer write into the run.

    Raises:
        LrcnError: A copy can't be made, or what is written can't be put into the store.
    """
    if folder.is_local:
        yield folder
        return
    with temporary_folder() as around:
        paths = around / "run", around / "taken"
        for path in paths:
            path.mkdir()
        copy = RunCopy(folder, *paths, still_held)
        try:
            copy.fetch(wanted)
            yield copy
        except BaseException as error:
            # what a failed training has written tells why; its own error is the one to be told
            with suppress(LrcnError, OSError):
                copy.publish()
                copy.wait()
            if isinstance(error, LrcnError):
                error.args = (copy.told(error), *error.args[1:])
            raise
        copy.publish()
        copy.wait()


def nothing(name: str) -> bool:
    """Wanted of a run of which nothing is read."""
    return False


def _state(path: Path) -> _State:
    found = path.stat()
    return _State(found.st_ino, found.st_size, found.st_mtime_ns)


def _is_published(name: Path) -> bool:
    if name.suffix == TEMPORARY:
        return False
    return name.parent.name != CHECKPOINTS or name.name == _LAST_CHECKPOINT


def _grows(name: str) -> bool:
    """Whether a file is written on, where others are replaced."""
    return name == METRICS or name.startswith(f"{TENSORBOARD}/")


def _take(path: Path, to: Path, *, grows: bool) -> None:
    """Keep a file as it is now until it has been sent."""
    # one that couldn't be sent may be there, and be a second name of a file of the copy
    to.unlink(missing_ok=True)
    if grows:
        shutil.copyfile(path, to)
    else:
        to.hardlink_to(path)
