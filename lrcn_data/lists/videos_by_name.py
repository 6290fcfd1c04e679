"""Finds the files of videos by the names that annotations have: ids, bare names, paths, URLs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import unquote

from lrcn_data.errors import UsageError
from lrcn_data.lists.lines import is_video_name
from lrcn_data.lists.similar_names import folded
from lrcn_data.lists.video_tree import VideoTree
from lrcn_data.printable import first_few, show

_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]|[A-Za-z][A-Za-z0-9+.-]*://")
_NAMES_SHOWN = 5


class VideosByName:
    """The videos below a folder, by their names with and without endings.

    A name of several folders and a file fits a video whose folders are the same, as far as both go;
    of a path or URL of another machine the file's name is enough. `P03_cam01_a` fits
    `P03/cam01/a.avi` as well, if nothing else does.

    Args:
        folder: The path or URL of the folder.
        pictures: Whether folders of numbered pictures are videos.
    """

    def __init__(self, folder: str, *, pictures: bool = False) -> None:
        self._folder = folder
        self._paths = set(VideoTree(folder, pictures=pictures).paths)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._by_joined: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            name = path.rpartition("/")[2]
            self._by_name[folded(name)].append(path)
            self._by_stem[folded(_stem(name))].append(path)
            if "/" in path:
                self._by_joined[folded(_stem(path).replace("/", "_"))].append(path)

    def find(self, names: Iterable[str]) -> str | None:
        """The path of a video, relative to the folder; None if there is none.

        Args:
            names: What it may be called; the first name that finds something decides.

        Raises:
            UsageError: Several videos may be meant.
        """
        for name in names:
            found = self._find(name)
            if len(found) > 1:
                shown = first_few(list(map(show, found)), _NAMES_SHOWN)
                raise UsageError(
                    f"{show(name)} may be any of {len(found)} videos under {self._folder}: {shown};"
                    " name a folder with --videos that has one of them only"
                )
            if found:
                return found[0]
        return None

    def _find(self, name: str) -> list[str]:
        path = (unquote(name) if "://" in name else name).replace("\\", "/").removeprefix("./")
        if path in self._paths:
            return [path]
        *folders, last = path.split("/")
        found = self._by_name.get(folded(last)) or self._by_stem.get(folded(_stem(last)), [])
        if _ABSOLUTE.match(name):
            shared = {one: _shared(folders, one) for one in found}
            found = [one for one in found if shared[one] == max(shared.values())]
        else:
            found = [one for one in found if _shared(folders, one) == _most(folders, one)]
        exact = [one for one in found if _stem(one.rpartition("/")[2]) == _stem(last)]
        return exact or found or self._by_joined.get(folded(_stem(last)), [])


def _stem(name: str) -> str:
    """A name without the ending of a video."""
    return name.rpartition(".")[0] if is_video_name(name) else name


def _shared(folders: Sequence[str], path: str) -> int:
    """How many folders next to the file a name and a path have in common."""
    there = path.split("/")[:-1]
    count = 0
    for ours, theirs in zip(reversed(folders), reversed(there), strict=False):
        if folded(ours) != folded(theirs):
            break
        count += 1
    return count


def _most(folders: Sequence[str], path: str) -> int:
    return min(len(folders), path.count("/"))


def paths_by_name(
    names: Mapping[str, Collection[str]], videos: str | None, *, present: bool, pictures: bool
) -> dict[str, str]:
    """The path of each video that is there, by its name.

    Args:
        names: The names that a list or an annotation has, with other names of the same videos.
        videos: The path or URL of the folder that they are looked for in; None to take the names
            as paths.
        present: Whether videos that aren't there are left out.
        pictures: Whether folders of numbered pictures are videos.

    Raises:
        UsageError: Some are not there; names have no endings; or two names are one file.
    """
    if videos is None:
        bare = [show(name) for name in names if not is_video_name(name)]
        if bare or present:
            why = "--present needs" if present else f"{bare[0]} and others have no ending; give"
            raise UsageError(f"{why} --videos FOLDER, in which the files are looked for")
        return {name: name for name in names}
    disk = VideosByName(videos, pictures=pictures)
    looked_up = {name: disk.find((name, *others)) for name, others in names.items()}
    paths = {name: path for name, path in looked_up.items() if path is not None}
    missing = [show(name) for name in looked_up if name not in paths]
    if missing and (not present or not paths):
        shown = first_few(missing, _NAMES_SHOWN)
        raise UsageError(
            f"{len(missing)} of {len(names)} videos are not under {videos}: {shown}; name the"
            " folder that has them with --videos" + ("" if present else ", or give --present")
        )
    first: dict[str, str] = {}
    for name, path in paths.items():
        if first.setdefault(path, name) != name:
            raise UsageError(
                f"{show(first[path])} and {show(name)} both fit {show(path)} under {videos}; keep"
                " one of them"
            )
    return paths
