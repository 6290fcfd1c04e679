"""What can be wrong with the entries of lists as a whole: files, duplicates, leaks.

Every check returns all that it finds; `lists.read_lists` puts them into one report.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lrcn_data.lists.entry import Entry
from lrcn_data.lists.problems import Problem
from lrcn_data.lists.video_groups import group_of
from lrcn_data.printable import show

_SCAN_FROM = 16
"""Listed files in a folder from which reading the whole folder beats asking for each of them."""


def find_duplicates(
    entries: Iterable[Entry], files: Mapping[str, Path], *, across_splits: bool = True
) -> Iterator[Problem]:
    """Videos that stand in the lists twice.

    Args:
        entries: In the order of the lists.
        files: The list of each split.
        across_splits: Whether twice means in any list; else in the same one.
    """
    first: dict[str | tuple[str, str], Entry] = {}
    for entry in entries:
        path = _normal(entry.path)
        before = first.setdefault(path if across_splits else (entry.split, path), entry)
        if before is entry:
            continue
        if before.split == entry.split:
            kind, where = "twice in a list", f"line {before.line}"
            remedy = "" if before.label == entry.label else ", with another label"
        else:
            kind, where = "in two splits", f"{show(str(files[before.split]))}:{before.line}"
            remedy = "; a video must be in one split only"
        text = f"{show(entry.path)} already stands in {where}{remedy}"
        yield Problem(kind=kind, file=files[entry.split], line=entry.line, text=text)


def find_shared_groups(entries: Iterable[Entry], files: Mapping[str, Path]) -> Iterator[Problem]:
    """Groups of clips that are in two splits; told once for each group and split."""
    first: dict[tuple[int, str], Entry] = {}
    told: set[tuple[int, str, str]] = set()
    for entry in entries:
        group = group_of(entry.path)
        if group is None:
            continue
        before = first.setdefault((entry.label, group), entry)
        if before.split == entry.split or (entry.label, group, entry.split) in told:
            continue
        told.add((entry.label, group, entry.split))
        text = (
            f"group {show(group)} is in {show(str(files[before.split]))}:{before.line} too; keep a"
            " group in one split, as `lrcn-data lists` does, or give --allow-leakage"
        )
        yield Problem(
            kind="group in two splits", file=files[entry.split], line=entry.line, text=text
        )


def find_missing(
    entries: Iterable[Entry], files: Mapping[str, Path], root: Path
) -> Iterator[Problem]:
    """Entries that are no regular file."""
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        folder, slash, _ = entry.path.rpartition("/")
        folders[folder + slash].append(entry)
    missing: list[tuple[Entry, str]] = []
    for folder, members in folders.items():
        missing += _missing_in(root / folder, members)
    splits = list(files)
    missing.sort(key=lambda found: (splits.index(found[0].split), found[0].line))
    for entry, why in missing:
        text = f"{why}: {show(os.path.join(root, entry.path))}{_missing_hint(entry, root)}"  # noqa: PTH118
        yield Problem(kind=why, file=files[entry.split], line=entry.line, text=text)


def _missing_in(folder: Path, members: list[Entry]) -> Iterator[tuple[Entry, str]]:
    if len(members) < _SCAN_FROM:
        for entry in members:
            if why := _why_unusable(folder / entry.path.rpartition("/")[2]):
                yield entry, why
        return
    try:
        with os.scandir(folder) as scan:
            regular = {found.name for found in scan if found.is_file()}
    except OSError:
        regular = set()
    for entry in members:
        name = entry.path.rpartition("/")[2]
        if name not in regular and (why := _why_unusable(folder / name)):
            yield entry, why


def _why_unusable(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return "no such file"
    return None if stat.S_ISREG(mode) else "no regular file"


def _missing_hint(entry: Entry, root: Path) -> str:
    if entry.path.startswith("#"):
        return "; if the line is meant as a comment, put a space after the #"
    if any("\ud800" <= character <= "\udfff" for character in entry.path):
        return "; the line is not UTF-8, which lists have to be"
    return ""


def find_same_content(
    entries: Iterable[Entry], files: Mapping[str, Path], root: Path
) -> Iterator[Problem]:
    """Files that hold the same bytes as another entry's file.

    Only files of equal size are read. Files that can't be are left to `find_missing`.
    """
    by_size: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        try:
            status = (root / entry.path).stat()
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(status.st_mode):  # opening anything else could wait for ever
            by_size[status.st_size].append(entry)
    same: list[tuple[Entry, Entry]] = []
    for members in by_size.values():
        if len({_normal(entry.path) for entry in members}) > 1:
            same += _same_bytes(members, root)
    splits = list(files)
    same.sort(key=lambda pair: (splits.index(pair[1].split), pair[1].line))
    for before, entry in same:
        where = f"{show(str(files[before.split]))}:{before.line}"
        text = (
            f"{show(entry.path)} has the same content as {show(before.path)} in {where}; keep one"
            " of the two"
        )
        yield Problem(kind="same content", file=files[entry.split], line=entry.line, text=text)


def _same_bytes(members: list[Entry], root: Path) -> Iterator[tuple[Entry, Entry]]:
    first: dict[bytes, Entry] = {}
    for entry in members:
        try:
            with (root / entry.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except OSError:
            continue
        before = first.setdefault(digest, entry)
        if _normal(before.path) != _normal(entry.path):
            yield before, entry


def _normal(path: str) -> str:
    """A path without detours that change nothing, so that ./a and a are found to be one."""
    if "//" in path or "./" in path or path.endswith("/."):
        return os.path.normpath(path)
    return path
