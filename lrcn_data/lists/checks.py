"""What can be wrong with the entries of lists as a whole: files, duplicates, leaks.

Every check gives all problems that it finds, and takes the entries in the order of the lists and
the list file of each split. `read_lists` puts the problems into one report.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from lrcn_data.lists.entry import Entry
from lrcn_data.lists.names_on_disk import NamesOnDisk, normal_path
from lrcn_data.lists.problems import ListFile, Problem
from lrcn_data.lists.video_groups import group_of
from lrcn_data.printable import show
from lrcn_data.storage import remote_files
from lrcn_data.storage.locations import is_url, normal_location
from lrcn_data.video.picture_folder import are_pictures

_SCAN_FROM = 16
"""Listed files in a folder from which reading the whole folder beats asking for each of them."""

_WEB = ("http://", "https://")
"""How URLs begin that lists are full of, and of which most are pages that show a video."""

_PICTURES = "a folder of pictures"
_PICTURES_HINT = "; --picture-rate 25 would read it as a video of 25 pictures a second"


def find_duplicates(
    entries: Iterable[Entry], files: Mapping[str, ListFile], *, across_splits: bool = True
) -> Iterator[Problem]:
    """Find videos that the lists name twice.

    Args:
        entries: All entries, in the order of the lists.
        files: The list of each split.
        across_splits: Whether a video may not be in two splits either; otherwise only two lines
            of the same list are found.
    """
    first: dict[str | tuple[str, str], Entry] = {}
    for entry in entries:
        path = normal_path(entry.path)
        before = first.setdefault(path if across_splits else (entry.split, path), entry)
        if before is entry:
            continue
        if before.split == entry.split:
            kind, where = "twice in a list", f"line {before.line}"
            other = ", with another label; if it has both, give --multi-label"
            remedy = "" if before.label == entry.label else other
        else:
            kind, where = "in two splits", _location(before, files)
            remedy = "; a video must be in one split only"
        text = f"{show(entry.path)} already stands in {where}{remedy}"
        yield _problem(entry, files, kind=kind, text=text)


def find_shared_groups(
    entries: Iterable[Entry], files: Mapping[str, ListFile]
) -> Iterator[Problem]:
    """Find groups of videos that are in two splits; each is told once for each further split."""
    first: dict[tuple[int, str], Entry] = {}
    told: set[tuple[int, str, str]] = set()
    for entry in entries:
        group = group_of(entry.path)
        if group is None:
            continue
        # the clips of one recording may have different sets of classes, or classes in time
        label = entry.label if isinstance(entry.label, int) and entry.times is None else -1
        before = first.setdefault((label, group), entry)
        if before.split == entry.split or (label, group, entry.split) in told:
            continue
        told.add((label, group, entry.split))
        text = (
            f"group {show(group)} is in {_location(before, files)} too; keep a"
            " group in one split, as `lrcn-data lists` does, or give --allow-leakage"
        )
        yield _problem(entry, files, kind="group in two splits", text=text)


def find_missing(
    entries: Iterable[Entry], files: Mapping[str, ListFile], root: Path, *, pictures: bool = False
) -> Iterator[Problem]:
    """Find entries that are no regular file.

    Args:
        entries: All entries.
        files: The list of each split.
        root: The folder that the paths in the lists are relative to.
        pictures: Whether an entry may be a folder of numbered pictures.
    """
    folders: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if in_store(entry.path):
            continue  # it is known when it is fetched
        folder, slash, _ = entry.path.rpartition("/")
        folders[folder + slash].append(entry)
    missing: list[tuple[Entry, str]] = []
    for folder, members in folders.items():
        missing += _missing_in(root / folder, members, pictures=pictures)
    disk, position = NamesOnDisk(root), _list_position(files)
    for entry, why in sorted(missing, key=lambda found: position(found[0])):
        hint = _PICTURES_HINT if why == _PICTURES else _missing_hint(entry, disk)
        text = f"{why}: {show(os.path.join(root, entry.path))}{hint}"  # noqa: PTH118
        yield _problem(entry, files, kind=why, text=text)


def find_missing_in_store(
    entries: Iterable[Entry], files: Mapping[str, ListFile], root: str
) -> Iterator[Problem]:
    """Find entries that are not in a store, of which all names are asked for at once.

    Args:
        entries: All entries.
        files: The list of each split.
        root: The URL that the paths in the lists are relative to.
    """
    there = remote_files.find(root)
    for entry in entries:
        elsewhere = in_store(entry.path) or entry.path.startswith("/")
        if not elsewhere and entry.path not in there:
            text = f"no such file: {show(f'{root}/{entry.path}')}"
            yield _problem(entry, files, kind="no such file", text=text)


def _missing_in(
    folder: Path, members: list[Entry], *, pictures: bool
) -> Iterator[tuple[Entry, str]]:
    """The entries of one folder that are no regular file, and why."""
    if len(members) < _SCAN_FROM:
        for entry in members:
            why = _why_unusable(folder / entry.path.rpartition("/")[2], pictures=pictures)
            if why:
                yield entry, why
        return
    try:
        with os.scandir(folder) as scan:
            regular = {found.name for found in scan if found.is_file()}
    except OSError:
        regular = set()
    for entry in members:
        name = entry.path.rpartition("/")[2]
        if name not in regular and (why := _why_unusable(folder / name, pictures=pictures)):
            yield entry, why


def _why_unusable(path: Path, *, pictures: bool) -> str | None:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode) and are_pictures(os.listdir(path)):  # noqa: PTH208 - many names
            return None if pictures else _PICTURES
    except (OSError, ValueError):
        return "no such file"
    return None if stat.S_ISREG(mode) else "no regular file"


def in_store(path: str) -> bool:
    """Whether the path of an entry is a URL in a store; web pages are none.

    Raises:
        UsageError: It has credentials in it.
    """
    is_one = is_url(path) and not path.startswith(_WEB)
    if is_one:
        normal_location(path)
    return is_one


def _missing_hint(entry: Entry, disk: NamesOnDisk) -> str:
    if "://" in entry.path:
        return "; a URL is not read from: download the video, and name its file"
    if entry.path.startswith("#"):
        return "; if the line is meant as a comment, put a space after the #"
    if any("\ud800" <= character <= "\udfff" for character in entry.path):
        return "; the line is not UTF-8, which lists have to be"
    if "\\" in entry.path:
        return "; it is written as on Windows: paths are relative to --root, and have slashes"
    other = disk.other_case(entry.path)
    if other is not None and other != entry.path:
        return f"; there is {show(other)}, whose letters differ in case"
    return ""


def find_same_content(
    entries: Iterable[Entry], files: Mapping[str, ListFile], root: Path
) -> Iterator[Problem]:
    """Find files that hold the same bytes as another entry's file.

    Only files of equal size are read. Files that can't be read are left to `find_missing`.

    Args:
        entries: All entries, in the order of the lists.
        files: The list of each split.
        root: The folder that the paths in the lists are relative to.
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
        if len({normal_path(entry.path) for entry in members}) > 1:
            same += _same_bytes(members, root)
    position = _list_position(files)
    for before, entry in sorted(same, key=lambda pair: position(pair[1])):
        text = (
            f"{show(entry.path)} has the same content as {show(before.path)} in"
            f" {_location(before, files)}; keep one of the two"
        )
        yield _problem(entry, files, kind="same content", text=text)


def _same_bytes(members: list[Entry], root: Path) -> Iterator[tuple[Entry, Entry]]:
    """Entries of equal content: the first one that has it, and each later one under another name.

    Args:
        members: Entries whose files have one size.
        root: The folder that their paths are relative to.
    """
    first: dict[bytes, Entry] = {}
    for entry in members:
        try:
            with (root / entry.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except OSError:
            continue
        before = first.setdefault(digest, entry)
        if normal_path(before.path) != normal_path(entry.path):
            yield before, entry


def _problem(entry: Entry, files: Mapping[str, ListFile], *, kind: str, text: str) -> Problem:
    return Problem(kind=kind, file=files[entry.split], line=entry.line, text=text)


def _location(entry: Entry, files: Mapping[str, ListFile]) -> str:
    return f"{show(str(files[entry.split]))}:{entry.line}"


def _list_position(files: Mapping[str, ListFile]) -> Callable[[Entry], tuple[int, int]]:
    """Make the key by which entries are sorted as they stand in the lists."""
    order = {split: number for number, split in enumerate(files)}
    return lambda entry: (order[entry.split], entry.line)
