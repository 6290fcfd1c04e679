"""What `lrcn-predict` is told to predict: files, folders, patterns, lists, and what is piped in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lrcn_data.errors import UsageError
from lrcn_data.lists.named_videos import named_videos
from lrcn_data.storage.temporary_folder import temporary_folder

STDIN = "-"
"""The name by which what is piped in is meant."""

_MOST_BYTES = 16 << 30
"""The most bytes that are taken from a pipe."""

_LEFT_FREE = 256 << 20
"""The bytes that are left free on the disk that they are written to."""

_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What is predicted.

    Attributes:
        paths: The paths or URLs of the videos.
        piped: The one of them that has what was piped in; None where nothing was.
        notes: What was left out, a line for each reason.
    """

    paths: Sequence[str]
    piped: str | None
    notes: Sequence[str]

    def name(self, path: str) -> str:
        """What a video is called towards the user."""
        return STDIN if path == self.piped else path


@contextmanager
def find_sources(names: Sequence[str], *, root: str, pictures: bool) -> Iterator[Sources]:
    """Find what is meant; what is piped in is there as long as the context is.

    Args:
        names: The names, as `named_videos` takes them, and `-`.
        root: The folder or URL that paths in lists are relative to.
        pictures: Whether folders of numbered pictures are videos.

    Raises:
        UsageError: There is no such file, or what is piped in is too large or nothing.
    """
    if names.count(STDIN) > 1:
        raise UsageError("- stands for what is piped in, and stands twice; name it once")
    with temporary_folder() as folder:
        piped = str(folder / "piped") if STDIN in names else None
        given = [piped if piped and name == STDIN else name for name in names]
        found = named_videos(given, root=root, pictures=pictures)
        if piped:
            # all of it first: whether a file is whole, and what a clip is made of, its end says
            _spool(sys.stdin.buffer, Path(piped))
        notes = [f"left out: {count} {reason}" for reason, count in found.left_out.items()]
        yield Sources(paths=found.paths, piped=piped, notes=notes)


def _spool(source: BinaryIO, path: Path) -> None:
    written = 0
    with path.open("wb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > _MOST_BYTES or shutil.disk_usage(path.parent).free < _LEFT_FREE:
                raise UsageError(
                    f"what is piped in has more than {written >> 20:,} MiB, which is too much for"
                    f" {path.parent.parent} or at all (the limit is {_MOST_BYTES >> 30} GiB); write"
                    " it to a file, and name that"
                )
            file.write(block)
    if not written:
        raise UsageError("- stands for what is piped in, and that is nothing; pipe a video in")
