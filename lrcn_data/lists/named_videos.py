"""Which videos are meant by names of files, folders, patterns and lists."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.list_files import read_list_file
from lrcn_data.lists.problems import ListError, Problem
from lrcn_data.lists.video_tree import VideoTree
from lrcn_data.video.picture_folder import are_pictures

_LIST_ENDINGS = (".txt", ".csv", ".tsv", ".lst", ".list")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedVideos:
    """Videos, each once, in the order in which they are named.

    Attributes:
        paths: Their paths. What is named by itself need not be there.
        left_out: How many files and folders of the named folders are no videos, by the reason.
    """

    paths: Sequence[str]
    left_out: Mapping[str, int]


def named_videos(names: Sequence[str], *, root: Path, pictures: bool = False) -> NamedVideos:
    """Find the videos that are meant by names.

    A folder means all videos in and below it, a pattern (`*`, `?`, `[...]`, `**`) what fits it, and
    a list (.txt, .csv, .tsv) the videos of its lines; all else is a video itself.

    Args:
        names: The names.
        root: The folder that paths in lists are relative to.
        pictures: Whether a folder of numbered pictures is a video. One that is named and has no
            other videos is taken for one in any case, so that it isn't passed over.

    Raises:
        UsageError: Nothing fits a pattern, or a folder has no videos or can't be read.
        ListError: A list can't be read.
    """
    left_out: Counter[str] = Counter()
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_meant(name, root, left_out, pictures=pictures)))
    return NamedVideos(paths=list(found), left_out=left_out)


def is_list(name: str) -> bool:
    """Whether a name is that of a list of videos, by its ending."""
    return name.lower().endswith(_LIST_ENDINGS)


def _meant(name: str, root: Path, left_out: Counter[str], *, pictures: bool) -> Iterator[str]:
    # asked first: names of files may have signs of patterns
    if os.path.isdir(name):  # noqa: PTH112 - no exception for odd names
        yield from _in_folder(name, left_out, pictures=pictures)
    elif os.path.exists(name) or not glob.has_magic(name):  # noqa: PTH110
        yield from _in_list(name, root) if is_list(name) else (name,)
    else:
        fitting = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - gives names as typed
        if not fitting:
            raise UsageError(f"{name} fits no file; check it, or name a folder")
        for one in fitting:
            yield from _meant(one, root, left_out, pictures=pictures)


def _in_folder(name: str, left_out: Counter[str], *, pictures: bool) -> Iterator[str]:
    try:
        names = os.listdir(name)  # noqa: PTH208
    except OSError as error:
        raise UsageError(f"{name} can't be read ({error.strerror}); name a folder") from error
    has_pictures = are_pictures(names)
    if has_pictures and pictures:
        yield name
        return
    tree = VideoTree(Path(name), pictures=pictures)
    left_out.update({reason: counts.total() for reason, counts in tree.left_out.items()})
    paths = [*tree.loose, *(path for videos in tree.videos.values() for path in videos)]
    if has_pictures and not paths:
        yield name
    elif not paths:
        raise UsageError(f"{name} has no videos; name a folder of video files, or the files")
    yield from (os.path.join(name, path) for path in paths)  # noqa: PTH118


def _in_list(name: str, root: Path) -> Iterator[str]:
    problems: list[Problem] = []
    # a line may have any labels, which say nothing here
    lines = read_list_file(Path(name), None, root, problems, multi_label=True)
    if problems:
        raise ListError(problems)
    yield from (str(root / line.path) for line in lines)
