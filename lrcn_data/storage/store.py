"""What a store is: somewhere that keeps files by name, behind a URL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

Version = Any
"""What tells the content that a file has from what it had before, in a form of the store's own."""


class Store(Protocol):
    """A store as `remote_files` uses it; a path says which file of the store is meant.

    Methods raise FileNotFoundError for a file that isn't there. Whatever else goes wrong may raise
    anything, which `remote_files` makes an OSError of.
    """

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading from its start."""

    def read(self, path: str) -> tuple[bytes, Version]:
        """All of a small file, and the version that it has."""

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of a file, each given by its offset and length, as concurrently as may be.

        A part is shorter only where the file ends before. One that is longer says that the store
        sends whole files.
        """

    def size(self, path: str) -> int | None:
        """The size of a file in bytes, or None where the store doesn't say it."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""

    def names(self, path: str) -> list[str]:
        """The names of all that is in a folder, in any order."""

    def sizes(self, path: str) -> dict[str, int]:
        """The size of each file in a folder, by its name; of those of which the store says it."""

    def find(self, path: str) -> dict[str, int]:
        """The size of each file in and below a folder, by its name relative to the folder."""

    def matching(self, pattern: str) -> list[str]:
        """The URLs that match a pattern with `*`, `?` and `[...]`, in any order."""

    def upload(self, file: Path, path: str) -> None:
        """Copy a finished file of this machine into the store."""

    def write(self, path: str, data: bytes) -> None:
        """Write a small file."""

    def replace(self, path: str, data: bytes, version: Version | None) -> Version | None:
        """Write a small file if it still has a version; None for one that must not be there.

        Returns:
            The version that it has now; None where it had another one, and nothing was written.
        """

    def delete(self, path: str) -> None:
        """Delete a file."""

    def copy(self, path: str, to: str) -> None:
        """Copy a file within the store."""

    def remove_folder(self, path: str) -> None:
        """Remove a folder and all that is in it."""
