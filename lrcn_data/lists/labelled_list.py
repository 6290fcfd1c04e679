"""A list of videos with a label each, as `lrcn-data shard` takes it, that is yet to be divided."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePath

from lrcn_data.lists.annotations.formats import has_form
from lrcn_data.lists.lines import entry_lines, is_video_name, split_at_video
from lrcn_data.lists.list_files import read_list_file
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.problems import ListError, Problem
from lrcn_data.lists.tables import Table, find_table
from lrcn_data.lists.videos_by_name import paths_by_name
from lrcn_data.printable import show
from lrcn_data.storage import locations


def is_labelled_list(source: str) -> bool:
    """Whether a file is a list of videos with a label each: not of segments or frames.

    Args:
        source: The path or URL of a file or a folder.

    Raises:
        UsageError: The file can't be read, or is no text.
    """
    if not locations.is_file(source) or is_video_name(PurePath(source).name):
        return False
    # what a form is recognised by may be all of a large file, so that its beginning is asked first
    return _begins_as_one(locations.read_whole(source)) and not has_form(source)


def _begins_as_one(data: bytes) -> bool:
    table = find_table(data)
    if table is None:
        _, line = next(entry_lines(data), (0, ""))
        path, label = split_at_video(line)
        return path is not None and bool(label)
    return isinstance(table, Table) and table.spans is None


def read_labelled_list(
    source: str, videos: str | None, *, present: bool, pictures: bool
) -> MadeLists:
    """All videos of a list, as if for training.

    Args:
        source: The path or URL of the list.
        videos: The path or URL of the folder in which the names of videos are looked for; None to
            take them as they are.
        present: Whether videos that aren't there are left out.
        pictures: Whether folders of numbered pictures are videos.

    Raises:
        ListError: A line can't be read, has no label, or names a video that another one has named.
        UsageError: Videos are missing, or several fit a name.
    """
    problems: list[Problem] = []
    lines = read_list_file(source, None, Path(videos or "."), problems)
    label_of: dict[str, str] = {}
    for line in lines:
        if line.label is None:
            text = f"{show(line.path)} has no label; add it"
            problems.append(Problem(kind="no label", file=source, line=line.line, text=text))
        elif line.path in label_of:
            text = f"{show(line.path)} stands in another line already; leave one of them out"
            problems.append(Problem(kind="twice", file=source, line=line.line, text=text))
        else:
            label_of[line.path] = line.label
    if problems:
        raise ListError(problems)
    paths = paths_by_name(dict.fromkeys(label_of, ()), videos, present=present, pictures=pictures)
    listed = [
        ListedVideo(path=paths[name], class_name=label, depth=0)
        for name, label in label_of.items()
        if name in paths
    ]
    return MadeLists(
        classes=sorted_classes({video.class_name for video in listed}),
        videos=listed,
        absent=len(label_of) - len(listed),
    )


def sorted_classes(names: Collection[str]) -> list[str]:
    """The names of classes by number, where all are numbers, else by the alphabet."""
    if all(name.removeprefix("-").isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
