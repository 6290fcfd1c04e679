"""Who may write into a folder of a store, which can't tell whether a lock's owner is still alive.

The owner writes another text into a lock file every few seconds. Whoever finds such a file watches
it: if its text doesn't change for longer than that, its owner is dead, and the file is taken over.
An empty file is nobody's. No clock is compared with another machine's.

Every text is written only if the file still has the one before it, which buckets do in one step: of
two processes that come in the same moment, or both find a dead owner, one gets the lock.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from lrcn_data.errors import LrcnError
from lrcn_data.storage import locations, remote_files
from lrcn_data.storage.folder_lock import LOCK, Alone, StillHeld, in_use
from lrcn_data.storage.store import Version

RENEW_EVERY = 5.0
"""The number of seconds after which the owner writes again."""

WATCH_FOR = 4 * RENEW_EVERY
"""The number of seconds without a change after which an owner is taken for dead."""

_OF_PARTS = ".locks"
"""The folder of the lock files that parts of a run hold, each its own."""

_FINISHING = f"{_OF_PARTS}/finish"
"""The lock file of the part that finishes what all have made."""


@contextmanager
def lease(
    folder: str,
    *,
    renew_every: float = RENEW_EVERY,
    watch_for: float = WATCH_FOR,
) -> Iterator[StillHeld]:
    """Hold a folder of a store for this process alone while the block runs.

    Args:
        folder: The URL of the folder.
        renew_every: The number of seconds after which the owner writes again.
        watch_for: The number of seconds without a change after which an owner is taken for dead.

    Raises:
        LrcnError: Another process holds the folder, or a part of the work in it.
        OSError: The store can't be written to.
    """
    with _held(folder, LOCK, renew_every=renew_every, watch_for=watch_for) as still_held:
        # only now: of a part that begins meanwhile, either it or this process sees the other's lock
        parts = locations.join(folder, _OF_PARTS)
        urls = [locations.join(parts, name) for name in locations.list_names(parts)]
        if not all(lock.is_free for lock in _watch(urls, renew_every, watch_for)):
            raise in_use(folder)
        yield still_held


@contextmanager
def part_lease(
    folder: str,
    part: int,
    *,
    renew_every: float = RENEW_EVERY,
    watch_for: float = WATCH_FOR,
) -> Iterator[Alone]:
    """Hold a part of the work in a folder of a store; see `folder_lock.part_lock`.

    Raises:
        LrcnError: Another process holds that part, or the whole folder.
        OSError: The store can't be written to.
    """

    @contextmanager
    def alone() -> Iterator[None]:
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(
                        _held(folder, _FINISHING, renew_every=renew_every, watch_for=watch_for)
                    )
                except LrcnError:
                    time.sleep(renew_every / 5)
                else:
                    break
            yield

    with _held(folder, f"{_OF_PARTS}/{part}", renew_every=renew_every, watch_for=watch_for):
        [whole] = _watch([locations.join(folder, LOCK)], renew_every, watch_for)
        if not whole.is_free:
            raise in_use(folder)
        yield alone


@contextmanager
def _held(folder: str, name: str, *, renew_every: float, watch_for: float) -> Iterator[StillHeld]:
    """Hold one lock file for this process while the block runs."""
    url = locations.join(folder, name)
    [found] = _watch([url], renew_every, watch_for)
    held = _Held(url, found.version)
    if not found.is_free or not held.renew():
        raise in_use(folder)
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(held, over, renew_every), daemon=True)
    renewing.start()

    def still_held() -> None:
        if held.seconds_old > 2 * renew_every:
            held.renew()
        if held.lost:
            raise LrcnError(
                f"{folder}: another run has taken it over while this one couldn't reach it; run the"
                " same command again when that one has ended"
            )

    try:
        yield still_held
    finally:
        over.set()
        renewing.join()
        with suppress(OSError):  # it would be taken for a dead owner's
            held.give_up()
    if held.lost:
        still_held()


class _Held:
    """A lock file that is this process's own for as long as it has the text that was last written.

    Args:
        url: The lock file.
        version: The version that it has before it is this process's; None where it isn't there.

    Attributes:
        lost: Whether another process has been found to have taken it over.
    """

    def __init__(self, url: str, version: Version | None) -> None:
        self._url = url
        self._version = version
        self._unanswered: set[bytes] = set()
        self._writing = threading.Lock()
        self._written = _now()
        self.lost = False

    @property
    def seconds_old(self) -> float:
        """The seconds since the text that the file has was written."""
        return _now() - self._written

    def renew(self) -> bool:
        """Write another text, and say whether the file was still this process's to write.

        Raises:
            OSError: The store can't be reached, and it isn't known.
        """
        with self._writing:
            return self._renew()

    def _renew(self) -> bool:
        if self.lost:
            return False
        began = _now()
        text = secrets.token_hex(8).encode()
        self._unanswered.add(text)
        version = remote_files.replace(self._url, text, self._version)
        if version is None:
            # what failed before may have been written all the same
            found = _look(self._url)
            if found.text in self._unanswered:
                version = remote_files.replace(self._url, text, found.version)
        self._unanswered.clear()
        self._version, self._written = version, began
        self.lost = version is None
        return not self.lost

    def give_up(self) -> None:
        """Empty the file, unless it is another process's now."""
        if self.renew():
            # refused too where its first answer was lost, and the file is another process's already
            remote_files.replace(self._url, b"", self._version)


def _now() -> float:
    """Seconds of a clock that goes on while a machine sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _renew(held: _Held, over: threading.Event, every: float) -> None:
    while not over.wait(every):
        with suppress(OSError, LrcnError):  # the next time may go well
            held.renew()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lock:
    """A lock file as it was found.

    Attributes:
        version: Its version; None where there is none.
        text: What it held.
        is_free: Whether nobody holds it: it isn't there or empty, or its text doesn't change.
    """

    version: Version | None
    text: bytes
    is_free: bool


def _watch(urls: Sequence[str], renew_every: float, watch_for: float) -> list[_Lock]:
    """Look at lock files, all at a time, until it is known of each whether somebody holds it."""
    locks = [_look(url) for url in urls]
    began = time.monotonic()
    while time.monotonic() - began < watch_for:
        watched = [number for number, lock in enumerate(locks) if lock.text]
        if not watched:
            break
        time.sleep(renew_every / 4)
        for number in watched:
            now = _look(urls[number])
            is_alive = bool(now.text) and now.text != locks[number].text
            locks[number] = replace(now, is_free=not is_alive)
            if is_alive:
                return locks
    return locks


def _look(url: str) -> _Lock:
    try:
        text, version = remote_files.read(url)
    except FileNotFoundError:
        return _Lock(version=None, text=b"", is_free=True)
    return _Lock(version=version, text=text, is_free=True)
