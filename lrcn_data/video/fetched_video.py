"""Videos in stores as files on this machine, since no decoder is given a URL."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lrcn_data.errors import VideoError
from lrcn_data.reasons import Reason
from lrcn_data.storage import locations, remote_files
from lrcn_data.storage.atomic_file import FULL, temporary_name
from lrcn_data.storage.temporary_folder import temporary_folder

MOST_BYTES = 32 << 30
"""The size in bytes above which a video isn't fetched: four hours of 19 Mbit a second."""


@contextmanager
def fetched_video(
    location: str,
    scratch: Path | None = None,
    *,
    on_piece: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """The path of a video on this machine: its own, or that of a copy while the block runs.

    Args:
        location: The path or URL of the video.
        scratch: The folder in which the copy is made; None for that of temporary files. What a
            process that is killed leaves there, a later one removes.
        on_piece: Called now and then while it is copied; an LrcnError that it raises ends that.

    Raises:
        VideoError: The store has no such file (`missing`), didn't give it (`not-fetched`), or it is
            too large (`too-large`).
        OSError: The copy can't be written.
    """
    if not locations.is_url(location):
        yield location
        return
    with temporary_folder() if scratch is None else _folder_in(scratch) as folder:
        # libavformat looks at the ending of a name too
        copy = folder / f"video{Path(locations.split_location(location)[1]).suffix}"
        _fetch(location, copy, on_piece)
        yield str(copy)


@contextmanager
def _folder_in(scratch: Path) -> Iterator[Path]:
    # threads of a process fetch side by side
    folder = temporary_name(scratch / f"lrcn-video-{threading.get_ident()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(url: str, to: Path, on_piece: Callable[[], None]) -> None:
    try:
        with to.open("wb") as file:
            remote_files.fetch(url, file, most=MOST_BYTES, on_piece=on_piece)
    except FileNotFoundError as error:
        raise VideoError(Reason.MISSING, "there is no file of that name in the store") from error
    except OSError as error:
        if error.errno in FULL:
            raise
        if error.errno == errno.EFBIG:
            raise VideoError(Reason.TOO_LARGE, f"it {error.strerror}") from error
        raise VideoError(Reason.NOT_FETCHED, str(error.strerror or error)) from error
