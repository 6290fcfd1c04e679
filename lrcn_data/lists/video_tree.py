"""Finds the videos below a folder, on a disk or in a store, and counts all that is left out."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lrcn_data.errors import UsageError
from lrcn_data.lists.lines import VIDEO_ENDINGS
from lrcn_data.storage import remote_files
from lrcn_data.storage.locations import is_url
from lrcn_data.video.picture_folder import are_pictures, is_numbered_picture

NOT_VIDEOS = "files that are no videos by their names"
HIDDEN_FILES = "hidden files"
HIDDEN_FOLDERS = "hidden folders"
DEAD_LINKS = "links that lead nowhere"
NO_FILES = "pipes, devices and the like"
UNREADABLE = "folders that can't be read"
LISTED = "links to folders that are listed already, or that hold the link"

_Identity = tuple[int, int]
"""The device and the inode of a folder, which it has under all of its names."""


class VideoTree:
    """The videos in and below the folders of a root, known by the endings of their names.

    A folder of numbered pictures is a video as well, if these are wanted; none of a store is.

    Links are followed. A folder to which several ways lead is listed once, by its own place if it
    has one below the root, so that no loop of links is without end.

    Args:
        root: The path or URL of the folder to look into.
        pictures: Whether folders of numbered pictures are videos.

    Attributes:
        videos: The paths of the videos in each folder of the root, relative to the root: those of
            a folder before those of its folders. Folders without a video have an empty list.
        loose: The names of the videos in the root itself.
        left_out: How many files and folders were left out, by the reason and by the ending of the
            name; of links and of folders, by the path.
        twice: Links to folders that are listed, each with the place where these are listed.

    Raises:
        UsageError: The root can't be read.
    """

    def __init__(self, root: str | os.PathLike[str], *, pictures: bool = False) -> None:
        self._root = Path(root)
        self._pictures = pictures
        self.videos: dict[str, list[str]] = {}
        self.loose: list[str] = []
        self.left_out: dict[str, Counter[str]] = defaultdict(Counter)
        self.twice: list[tuple[str, str]] = []
        self._places: dict[_Identity, str] = {}
        self._links: list[str] = []
        try:
            if is_url(root):
                self._list_store(os.fspath(root))
                return
            self._above = {_identity(folder) for folder in _with_parents(self._root.resolve())}
            self._list_root()
        except OSError as error:
            raise UsageError(f"{root} can't be read ({error.strerror}); name a folder") from error

    @property
    def paths(self) -> list[str]:
        """The paths of all videos, relative to the root."""
        return [*self.loose, *(path for found in self.videos.values() for path in found)]

    def leave_out(self, reason: str, name: str) -> None:
        """Count something that is left out.

        Args:
            reason: Why it is left out.
            name: The name of a file, which is counted by its ending, or the path of what is told
                by its path.
        """
        by_path = reason in (HIDDEN_FOLDERS, UNREADABLE, LISTED, DEAD_LINKS)
        self.left_out[reason][name if by_path else ending_of(name)] += 1

    def _list_store(self, url: str) -> None:
        hidden: set[str] = set()
        for path in sorted(remote_files.find(url), key=_files_first):
            *folders, name = PurePosixPath(path).parts
            under = next((n for n, part in enumerate(folders, 1) if part.startswith(".")), None)
            if under is not None:
                hidden.add("/".join(folders[:under]))
                continue
            found = self.videos.setdefault(folders[0], []) if folders else self.loose
            if name.startswith("."):
                self.leave_out(HIDDEN_FILES, path)
            elif _has_video_ending(path):
                found.append(path)
            else:
                self.leave_out(NOT_VIDEOS, path)
        for folder in sorted(hidden):
            self.leave_out(HIDDEN_FOLDERS, folder)

    def _list_root(self) -> None:
        for entry in _sorted_scan(self._root):
            if _is_folder(entry) and not entry.name.startswith("."):
                self.videos[entry.name] = []
                self._enter(entry, entry.name)
            elif self._is_video(entry, entry.name):
                self.loose.append(entry.name)
        # links come last: a folder that has a place of its own is listed there
        while self._links:
            self._list(self._links.pop(0))
        for found in self.videos.values():
            found.sort(key=_files_first)

    def _enter(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.is_symlink():
            self._links.append(path)
        else:
            self._list(path)

    def _list(self, start: str) -> None:
        """List a folder and all below it but what is behind links, which are kept for later."""
        folders = [start]
        while folders:
            folder = folders.pop()
            try:
                identity = _identity(self._root / folder)
                entries = _sorted_scan(self._root / folder)
            except OSError:
                self.leave_out(UNREADABLE, folder)
                continue
            if identity in self._above:
                self.leave_out(LISTED, folder)
                continue
            place = self._places.setdefault(identity, folder)
            if place != folder:
                self.twice.append((folder, place))
                continue
            has_pictures = self._pictures and are_pictures(entry.name for entry in entries)
            if has_pictures:
                self.videos[folder.partition("/")[0]].append(folder)
            for entry in entries:
                if has_pictures and is_numbered_picture(entry.name):
                    continue
                path = f"{folder}/{entry.name}"
                if not _is_folder(entry) or entry.name.startswith("."):
                    if self._is_video(entry, path):
                        self.videos[path.partition("/")[0]].append(path)
                elif entry.is_symlink():
                    self._links.append(path)
                else:
                    folders.append(path)

    def _is_video(self, entry: os.DirEntry[str], path: str) -> bool:
        """Whether an entry that is not entered is a video; it is counted if it is none."""
        if entry.name.startswith("."):
            reason = HIDDEN_FOLDERS if _is_folder(entry) else HIDDEN_FILES
        elif not stat.S_ISREG(mode := _mode(entry)):
            reason = NO_FILES if mode else DEAD_LINKS
        elif _has_video_ending(entry.name):
            return True
        else:
            reason = NOT_VIDEOS
        self.leave_out(reason, path)
        return False


def ending_of(path: str) -> str:
    """The ending of a file's name in small letters, with its dot, or `no ending`."""
    name = path.rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and (stem or ending) else "no ending"


def _has_video_ending(path: str) -> bool:
    return ending_of(path).removeprefix(".") in VIDEO_ENDINGS


def _sorted_scan(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as scan:
        return sorted(scan, key=lambda entry: entry.name)


def _identity(folder: Path) -> _Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _with_parents(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one."""
    return entry.is_dir(follow_symlinks=False) or stat.S_ISDIR(_mode(entry))


def _mode(entry: os.DirEntry[str]) -> int:
    """The mode of what an entry is or leads to; 0 for a link that leads nowhere."""
    try:
        # no call of the system where the folder's own entry tells
        return stat.S_IFREG if entry.is_file(follow_symlinks=False) else entry.stat().st_mode
    except OSError:
        return 0


def _files_first(path: str) -> list[tuple[bool, str]]:
    """Sorts the files of a folder before those of its folders."""
    *folders, name = path.split("/")
    return [*((True, folder) for folder in folders), (False, name)]
