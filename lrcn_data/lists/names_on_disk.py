"""Finds files by paths that lists write otherwise than the disk: backslashes, Unicode, case."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from lrcn_data.lists.lines import ListLine
from lrcn_data.lists.similar_names import composed, folded

_BACKSLASHES = re.compile(r"\\+")


class NamesOnDisk:
    """The names of files and folders below a root, which is read where it is asked for.

    Args:
        root: The folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read_otherwise: list[tuple[str, str]] = []
        self._listed: dict[tuple[Callable[[str], str], str], dict[str, list[str]]] = {}

    def line_as_on_disk(self, line: ListLine) -> ListLine:
        """A line with its path as the disk has it, or as it is if the disk has none that it means.

        A path that is there is taken as it is. Otherwise backslashes may stand for slashes, and
        names may be in another Unicode form.
        """
        path = line.path
        if (path.isascii() and "\\" not in path) or self._is_there(path):
            return line
        found = self._find(_BACKSLASHES.sub("/", path), composed)
        if found is None or not self._is_there(found):
            return line
        self._read_otherwise.append((path, found))
        return replace(line, path=found)

    def warnings(self) -> Iterator[str]:
        """Say which paths were not taken as the lists have them."""
        if self._read_otherwise:
            path, found = self._read_otherwise[0]
            yield (
                f"{len(self._read_otherwise)} paths are not written as on the disk, which has"
                f" {_spelled(found)} for {_spelled(path)}; the disk's are taken"
            )

    def other_case(self, path: str) -> str | None:
        """The path on the disk that differs only by case or Unicode form; None if not just one."""
        return self._find(path, folded)

    def _find(self, path: str, key: Callable[[str], str]) -> str | None:
        found = "/" if path.startswith("/") else ""
        for name in filter(None, path.split("/")):
            here = found + name
            if not self._is_there(here):
                same = self._names(found, key).get(key(name), [])
                if len(same) != 1:
                    return None
                here = found + same[0]
            found = f"{here}/"
        return found.removesuffix("/")

    def _is_there(self, path: str) -> bool:
        try:
            return os.path.exists(self._root / path)  # noqa: PTH110 - no exception for odd names
        except ValueError:
            return False

    def _names(self, folder: str, key: Callable[[str], str]) -> dict[str, list[str]]:
        """The names in a folder by their keys; empty if it can't be read."""
        if (key, folder) not in self._listed:
            names: dict[str, list[str]] = defaultdict(list)
            try:
                for entry in (self._root / folder).iterdir():
                    names[key(entry.name)].append(entry.name)
            except (OSError, ValueError):
                pass
            self._listed[key, folder] = dict(names)
        return self._listed[key, folder]


def _spelled(path: str) -> str:
    """A path so that its Unicode form shows."""
    return path if path.isascii() else ascii(path)


def normal_path(path: str) -> str:
    """A path without detours that change nothing, so that ./a and a are found to be one."""
    if "//" in path or "./" in path or path.endswith("/."):
        return os.path.normpath(path)
    return path
