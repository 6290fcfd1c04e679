"""Lists in which a video may have several labels (--multi-label).

A label is then a class, or several with commas between them, or `-` where a video has none of the
classes; and a video that stands in several lines of a list has the labels of all of them. What is
the name of a class as a whole is that class, with or without a comma in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import groupby

from lrcn_data.lists.entry import Entry
from lrcn_data.lists.labels import LabelTable
from lrcn_data.lists.lines import ListLine, label_parts, split_at_video
from lrcn_data.lists.names_on_disk import normal_path
from lrcn_data.lists.problems import ListFile, Problem
from lrcn_data.printable import show

_NONE = "-"


def one_label_each(line: ListLine, names: Collection[str]) -> list[ListLine]:
    """A line as several of the same number, one for each of its labels.

    Args:
        line: The line as it was split into a path and a label.
        names: The class names that were given.
    """
    if line.label is None or line.label in names:
        return [line]
    # of `a.mp4 0, 3` the last word alone was taken for the label
    video, rest = split_at_video(f"{line.path} {line.label}")
    whole = replace(line, path=video, label=rest) if video and rest else line
    return [replace(whole, label=part) for part in label_parts(whole.label or "")] or [line]


def says_none(line: ListLine, names: Collection[str]) -> bool:
    """Whether a line says that its video has none of the classes."""
    return line.label == _NONE and _NONE not in names


def entries_with_sets(
    lines: Mapping[str, list[ListLine]],
    table: LabelTable,
    files: Mapping[str, ListFile],
    names: Collection[str],
) -> tuple[list[Entry], list[Problem]]:
    """One entry for each video of each list, with the set of all its classes.

    Args:
        lines: The lines of each split, as `one_label_each` gives them.
        table: What the labels mean.
        files: The list of each split.
        names: The class names that were given.

    Returns:
        The entries; and as problems the lines that say nothing new of a video, or contradict a line
        before. A label without a class adds none.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for split, members in lines.items():
        videos: dict[str, tuple[ListLine, set[int | None]]] = {}
        for number, parts in groupby(members, key=lambda line: line.line):
            labels = list(parts)
            classes = {table.class_of(line) for line in labels if not says_none(line, names)}
            new = labels[0], set[int | None]()
            first, known = videos.setdefault(normal_path(labels[0].path), new)
            contradicts = len(classes) > 0 and any(says_none(line, names) for line in labels)
            if first.line != number:
                contradicts = bool(classes) != bool(known)
            if contradicts or (first.line != number and classes <= known):
                text = _why_odd(first, contradicts=contradicts)
                problems.append(
                    Problem(kind="twice in a list", file=files[split], line=number, text=text)
                )
            known |= classes
        entries += [
            Entry(line.path, tuple(sorted(n for n in known if n is not None)), split, line.line)
            for line, known in videos.values()
        ]
    return entries, problems


def _why_odd(first: ListLine, *, contradicts: bool) -> str:
    """Why a line can't stand beside the first one of its video, which may be itself."""
    if contradicts:
        return (
            f"{show(first.path)}, first in line {first.line}, has labels as well as {_NONE}, which"
            " means none of the classes; leave one out"
        )
    return f"{show(first.path)} already stands in line {first.line}, with the same labels"
