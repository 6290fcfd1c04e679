"""Which videos are meant by names of files, folders, patterns and lists, here or in stores."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.lines import is_video_name
from lrcn_data.lists.list_files import read_list_file
from lrcn_data.lists.problems import ListError, Problem, located
from lrcn_data.lists.video_tree import VideoTree
from lrcn_data.storage import locations
from lrcn_data.video.picture_folder import are_pictures

_LIST_ENDINGS = (".txt", ".csv", ".tsv", ".lst", ".list")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedVideos:
    """Videos, each once, in the order in which they are named.

    Attributes:
        paths: Their paths or URLs. What is named by itself need not be there.
        left_out: How many files and folders of the named folders are no videos, by the reason.
    """

    paths: Sequence[str]
    left_out: Mapping[str, int]


def named_videos(names: Sequence[str], *, root: str, pictures: bool = False) -> NamedVideos:
    """Find the videos that are meant by names.

    A folder means all videos in and below it, a pattern (`*`, `?`, `[...]`, `**`) what fits it, and
    a list (.txt, .csv, .tsv) the videos of its lines; all else is a video itself.

    Args:
        names: The names.
        root: The folder or URL that paths in lists are relative to.
        pictures: Whether a folder of numbered pictures is a video. One that is named and has no
            other videos is taken for one in any case, so that it isn't passed over.

    Raises:
        UsageError: Nothing fits a pattern, a folder has no videos or can't be read, or a URL has
            credentials in it.
        ListError: A list can't be read.
        OSError: A store can't be asked.
    """
    left_out: Counter[str] = Counter()
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_meant(name, root, left_out, pictures=pictures)))
    return NamedVideos(paths=list(found), left_out=left_out)


def is_list(name: str) -> bool:
    """Whether a name is that of a list of videos, by its ending."""
    return name.lower().endswith(_LIST_ENDINGS)


def _meant(name: str, root: str, left_out: Counter[str], *, pictures: bool) -> Iterator[str]:
    if locations.is_url(name):
        yield from _fitting_in_store(locations.normal_location(name), root, left_out)
        return
    # asked first: names of files may have signs of patterns
    if os.path.isdir(name):  # noqa: PTH112 - no exception for odd names
        yield from _in_folder(name, left_out, pictures=pictures)
    elif os.path.exists(name) or not glob.has_magic(name):  # noqa: PTH110
        yield from _in_list(name, root) if is_list(name) else (name,)
    else:
        fitting = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - gives names as typed
        for one in _some(name, fitting):
            yield from _meant(one, root, left_out, pictures=pictures)


def _fitting_in_store(url: str, root: str, left_out: Counter[str]) -> Iterator[str]:
    if not glob.has_magic(url):
        yield from _in_store(url, root, left_out)
        return
    if "**" in url:
        raise UsageError(f"{url}: ** has no meaning in a URL; name the folder, for all below it")
    for one in _some(url, locations.matching(url)):
        yield from _in_store(one, root, left_out)


def _in_store(url: str, root: str, left_out: Counter[str]) -> Iterator[str]:
    if is_list(url):
        yield from _in_list(url, root)
    elif is_video_name(url):
        yield url  # no store is asked, of which some would send all of it
    elif locations.is_folder(url):
        tree = VideoTree(url)
        yield from (locations.join(url, path) for path in _videos_of(url, tree, left_out))
    else:
        yield url


def _some(pattern: str, fitting: Sequence[str]) -> Sequence[str]:
    if not fitting:
        raise UsageError(f"{pattern} fits no file; check it, or name a folder")
    return fitting


def _in_folder(name: str, left_out: Counter[str], *, pictures: bool) -> Iterator[str]:
    try:
        names = os.listdir(name)  # noqa: PTH208
    except OSError as error:
        raise UsageError(f"{name} can't be read ({error.strerror}); name a folder") from error
    has_pictures = are_pictures(names)
    if has_pictures and pictures:
        yield name
        return
    tree = VideoTree(name, pictures=pictures)
    if has_pictures and not tree.paths:
        yield name
        return
    yield from (os.path.join(name, path) for path in _videos_of(name, tree, left_out))  # noqa: PTH118


def _videos_of(folder: str, tree: VideoTree, left_out: Counter[str]) -> Sequence[str]:
    left_out.update({reason: counts.total() for reason, counts in tree.left_out.items()})
    if not tree.paths:
        raise UsageError(f"{folder} has no videos; name a folder of video files, or the files")
    return tree.paths


def _in_list(name: str, root: str) -> Iterator[str]:
    problems: list[Problem] = []
    on_disk = Path(os.devnull if locations.is_url(root) else root)
    # a line may have any labels, which say nothing here
    lines = read_list_file(located(name), None, on_disk, problems, multi_label=True)
    if problems:
        raise ListError(problems)
    for line in lines:
        yield locations.normal_location(locations.listed_location(root, line.path))
