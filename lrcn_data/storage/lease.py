"""One run at a time in a store, which can't tell whether the owner of a lock is still alive.

The owner writes another text into a lock file every few seconds. Whoever finds such a file watches
it: if its text doesn't change for longer than that, its owner is dead, and the file is taken over.
No clock is compared with another machine's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from lrcn_data.errors import LrcnError
from lrcn_data.storage import locations, remote_files
from lrcn_data.storage.folder_lock import LOCK, Alone, in_use

_OF_PARTS = f"{LOCK}-parts"
"""The lock file of a part that does what is only once for all of them. It isn't that of a whole
run, beside which no part may begin."""

RENEW_EVERY = 5.0
"""The number of seconds after which the owner writes again."""

WATCH_FOR = 4 * RENEW_EVERY
"""The number of seconds without a change after which an owner is taken for dead."""


@contextmanager
def lease(
    folder: str,
    name: str = LOCK,
    *,
    renew_every: float = RENEW_EVERY,
    watch_for: float = WATCH_FOR,
) -> Iterator[None]:
    """Hold a folder of a store for this process alone while the block runs.

    Two processes that come in the same moment may both get it in a store that can't refuse to
    replace a file, or where both find a dead owner's; they would write the same bytes, or find that
    the folder is another data set's.

    Args:
        folder: The URL of the folder.
        name: The name of the lock file in it.
        renew_every: The number of seconds after which the owner writes again.
        watch_for: The number of seconds without a change after which an owner is taken for dead.

    Raises:
        LrcnError: Another process holds the folder.
        OSError: The store can't be written to.
    """
    url = locations.join(folder, name)
    is_left = _refuse_living(folder, url, renew_every=renew_every, watch_for=watch_for)
    held = _Held(url)
    try:
        if is_left:
            remote_files.delete(url)
        held.write(only_new=True)
    except FileExistsError as error:
        raise in_use(folder) from error
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(held, over, renew_every), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()
        with suppress(OSError):  # it would be taken for a dead owner's
            held.give_up()
    if held.lost:
        raise LrcnError(
            f"{folder}: another run has taken it over while this one couldn't reach it; run the"
            " same command again when that one has ended"
        )


@contextmanager
def part_lease(folder: str, part: int) -> Iterator[Alone]:
    """Hold a part of the work in a folder of a store; see `folder_lock.part_lock`.

    Raises:
        LrcnError: Another process holds that part, or the whole folder.
        OSError: The store can't be written to.
    """
    url = locations.join(folder, LOCK)
    _refuse_living(folder, url, renew_every=RENEW_EVERY, watch_for=WATCH_FOR)

    @contextmanager
    def alone() -> Iterator[None]:
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(lease(folder, _OF_PARTS))
                except LrcnError:
                    time.sleep(1.0)
                else:
                    break
            yield

    with lease(folder, f"{LOCK}-{part}"):
        yield alone


class _Held:
    """A lock file that is this process's own for as long as it has the text that was last written.

    Args:
        url: The lock file.

    Attributes:
        lost: Whether another process has been found to have taken it over.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._text = b""
        self.lost = False

    def write(self, *, only_new: bool = False) -> None:
        """Write another text, unless the file is another process's now."""
        if not only_new and not self._is_own():
            return
        text = secrets.token_hex(8).encode()
        remote_files.write(self._url, text, only_new=only_new)
        self._text = text

    def give_up(self) -> None:
        """Delete the file, unless it is another process's now."""
        if self._is_own():
            remote_files.delete(self._url)

    def _is_own(self) -> bool:
        self.lost = self.lost or _text(self._url) != self._text
        return not self.lost


def _renew(held: _Held, over: threading.Event, every: float) -> None:
    while not over.wait(every):
        with suppress(OSError, LrcnError):  # the next time may go well
            held.write()


def _refuse_living(folder: str, url: str, *, renew_every: float, watch_for: float) -> bool:
    """Watch a lock file for as long as it takes to know whether its owner is alive.

    Returns:
        Whether there is a file, whose owner is dead then.

    Raises:
        LrcnError: The owner is alive.
    """
    found = _text(url)
    began = time.monotonic()
    while found is not None and time.monotonic() - began < watch_for:
        time.sleep(renew_every / 4)
        now = _text(url)
        if now is not None and now != found:
            raise in_use(folder)
        found = now
    return found is not None


def _text(url: str) -> bytes | None:
    try:
        with remote_files.open_binary(url) as file:
            return file.read()
    except FileNotFoundError:
        return None
