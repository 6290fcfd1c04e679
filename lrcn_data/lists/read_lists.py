"""Reads video lists: which video belongs to which class and split; refuses what can't be meant.

How a line is read is in `lines`, how a file is in `list_files`, what labels mean is in `labels`,
how segments become labels in time is in `segment_entries`, and what is checked over all lines is in
`checks`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.checks import (
    find_duplicates,
    find_missing,
    find_missing_in_store,
    find_same_content,
    find_shared_groups,
)
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.label_sets import entries_with_sets, says_none
from lrcn_data.lists.labels import LabelTable, joined_names, label_table
from lrcn_data.lists.lines import ClassLines, ListLine
from lrcn_data.lists.list_files import read_class_file, read_list_file
from lrcn_data.lists.names_on_disk import NamesOnDisk
from lrcn_data.lists.problems import ListError, ListFile, Problem
from lrcn_data.lists.segment_entries import (
    entries_with_times,
    find_unlike,
    inclusive_end_warnings,
    negative_class_warnings,
    segment_warnings,
    without_empty,
)
from lrcn_data.lists.similar_names import similar_names, tell_similar
from lrcn_data.printable import first_few, show
from lrcn_data.splits import SPLITS
from lrcn_data.storage.locations import is_url

__all__ = ["Entry", "ListError", "Lists", "Problem", "read_lists"]

_NO_CLASS = -1
_NAMES_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Lists:
    """The videos of a data set.

    Attributes:
        classes: Class names by class number.
        entries: All videos, ordered by split (train, val, test) and line.
        warnings: What is unusual about the lists but allowed, each as a sentence.
    """

    classes: list[str]
    entries: list[Entry]
    warnings: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checks:
    """Which checks are made over all entries; the attributes are arguments of `read_lists`."""

    pictures: bool
    allow_leakage: bool
    allow_missing: bool
    check_content: bool


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection: a million entries hold no cycle, and it took a quarter of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_collector_paused()
def read_lists(
    paths: Mapping[str, ListFile],
    *,
    root: str | Path,
    classes: ListFile | None = None,
    label_base: int | None = None,
    classes_before: Sequence[str] = (),
    multi_label: bool = False,
    pictures: bool = False,
    allow_leakage: bool = False,
    allow_missing: bool = False,
    check_content: bool = False,
) -> Lists:
    """Read and check the lists of a data set, without opening a video.

    Args:
        paths: The list of each split; the keys are `train`, `val` and `test`, one or more of them.
        root: The folder or URL that the paths in the lists are relative to.
        classes: A file of class names: one on each line, or numbered as in UCF-101's
            classInd.txt. Without it, classes are named by the labels or the folders of the videos.
        label_base: The number of the first class in the lists, 0 or 1. None finds it out if that
            needs no guessing: from a numbered class file, or from a label 0. Of segments without a
            class file, each number is the name of a class, and this must be None.
        classes_before: Names of classes that have their numbers already, in a data set that lists
            are added to. Without a class file, those of the lists come after them.
        multi_label: Whether a video may have several labels; see `label_sets`. Every entry's label
            is a set of classes then.
        pictures: Whether a video may be a folder of numbered pictures.
        allow_leakage: Whether a video, or videos of one group, may be in two splits.
        allow_missing: Whether videos may be listed that are not on disk.
        check_content: Whether to look for files of equal content under two names as well, which
            reads all files that have equal sizes.

    Raises:
        UsageError: There is no list, or an option has a value without a meaning.
        ListError: Something is wrong with the lists; the error holds all that was found.
    """
    if label_base not in (None, 0, 1):
        raise UsageError(f"--label-base must be 0 or 1, got {label_base}")
    files = _known_splits(paths)
    checks = _Checks(
        pictures=pictures,
        allow_leakage=allow_leakage,
        allow_missing=allow_missing,
        check_content=check_content,
    )
    problems: list[Problem] = []
    known = read_class_file(classes, problems) if classes else None
    location = os.fspath(root)
    # of which no file is on this machine
    root = Path(os.devnull if is_url(location) else root)
    disk = NamesOnDisk(root)
    lines = {}
    for split, path in files.items():
        lines[split] = [
            disk.line_as_on_disk(line)
            for line in read_list_file(path, known, root, problems, multi_label=multi_label)
        ]
    warnings: list[str] = []
    if any(line.span for found in lines.values() for line in found[:1]):
        _refuse_with_segments(multi_label, label_base, known)
        if unlike := list(find_unlike(lines, files)):
            raise ListError([*problems, *unlike])
        lines, warnings = without_empty(lines)
        table, entries = _in_time(lines, files, known, label_base, classes_before, problems)
        warnings += negative_class_warnings([] if known else table.names)
        warnings += inclusive_end_warnings(entries)
    elif multi_label:
        table, entries = _sets(lines, files, known, label_base, classes_before, problems)
    else:
        table = label_table(list(chain(*lines.values())), known, label_base, classes_before)
        problems += _label_problems(lines, files, table)
        entries = _entries(lines, table)
    # what follows takes as much memory as they do
    del lines
    found, advice = _check_entries(entries, files, location, checks)
    problems += found
    if problems:
        raise ListError(problems, advice)
    warnings += [*_warnings(table.names, entries), *segment_warnings(entries), *disk.warnings()]
    return Lists(classes=table.names, entries=entries, warnings=warnings)


def _known_splits(paths: Mapping[str, ListFile]) -> dict[str, ListFile]:
    """The lists in the order of the splits.

    Raises:
        UsageError: There is no list, or one of an unknown split.
    """
    unknown = sorted(set(paths) - set(SPLITS))
    if unknown or not paths:
        found = f"of {', '.join(unknown)}" if unknown else "at all"
        raise UsageError(
            f"there must be lists of {', '.join(SPLITS)}, one or more; got one {found}"
        )
    return {split: paths[split] for split in SPLITS if split in paths}


def _label_problems(
    lines: Mapping[str, list[ListLine]], files: Mapping[str, ListFile], table: LabelTable
) -> Iterator[Problem]:
    """What is wrong with the labels as a whole, told at the first list, then with single ones."""
    if table.problem and any(lines.values()):
        first = next(split for split in lines if lines[split])
        yield Problem(kind="labels", file=files[first], line=0, text=table.problem)
    for split, members in lines.items():
        for line in members:
            if table.class_of(line) is None and (why := table.why_no_class(line)):
                yield Problem(kind="unknown label", file=files[split], line=line.line, text=why)


def _entries(lines: Mapping[str, list[ListLine]], table: LabelTable) -> list[Entry]:
    """All entries; one whose class can't be told has the label -1, and a problem tells of it."""
    entries = []
    for split, members in lines.items():
        for line in members:
            label = table.class_of(line)
            entries.append(
                Entry(line.path, _NO_CLASS if label is None else label, split, line.line)
            )
    return entries


def _sets(
    lines: Mapping[str, list[ListLine]],
    files: Mapping[str, ListFile],
    known: ClassLines | None,
    label_base: int | None,
    classes_before: Sequence[str],
    problems: list[Problem],
) -> tuple[LabelTable, list[Entry]]:
    """What the labels of multi-label lists mean, and an entry for each video."""
    names = set(known.names) if known else set()
    labelled = {
        split: [line for line in members if not says_none(line, names)]
        for split, members in lines.items()
    }
    table = label_table(list(chain(*labelled.values())), known, label_base, classes_before)
    problems += _label_problems(labelled, files, table)
    entries, found = entries_with_sets(lines, table, files, names)
    problems += found
    return table, entries


def _refuse_with_segments(
    multi_label: bool, label_base: int | None, known: ClassLines | None
) -> None:
    if multi_label:
        raise UsageError(
            "--multi-label doesn't go with lists of segments, which give a frame one class; leave"
            " it out"
        )
    if label_base is not None and known is None:
        raise UsageError(
            f"--label-base {label_base} has no meaning for segments without --classes FILE, whose"
            " numbers are names of classes; leave it out"
        )


def _in_time(
    lines: Mapping[str, list[ListLine]],
    files: Mapping[str, ListFile],
    known: ClassLines | None,
    label_base: int | None,
    classes_before: Sequence[str],
    problems: list[Problem],
) -> tuple[LabelTable, list[Entry]]:
    """What the labels of segments mean, and an entry for each video."""
    members = list(chain(*lines.values()))
    table = label_table(members, known, label_base, classes_before, in_time=True)
    problems += _label_problems(lines, files, table)
    entries, found = entries_with_times(lines, table, files)
    problems += found
    return table, entries


def _check_entries(
    entries: Sequence[Entry], files: Mapping[str, ListFile], location: str, checks: _Checks
) -> tuple[list[Problem], str]:
    """What is wrong with the entries as a whole, and what may help against it."""
    problems = list(find_duplicates(entries, files, across_splits=not checks.allow_leakage))
    if not checks.allow_leakage:
        problems += find_shared_groups(entries, files)
    advice = ""
    if not checks.allow_missing:
        if is_url(location):
            missing = list(find_missing_in_store(entries, files, location))
        else:
            missing = list(find_missing(entries, files, Path(location), pictures=checks.pictures))
        problems += missing
        advice = _advice(len(missing), len(entries), location)
    if checks.check_content:
        if is_url(location):
            raise UsageError(
                f"--check-content reads all files, and {location} is in a store; leave it out"
            )
        root = Path(location)
        problems += find_same_content(entries, files, root)
    return problems, advice


def _advice(missing: int, listed: int, root: str) -> str:
    """What may help against missing files.

    Args:
        missing: How many entries have no file.
        listed: How many entries there are.
        root: The folder or URL that the paths in the lists are relative to.
    """
    if not missing:
        return ""
    if missing == 1:
        return f"correct the list, or --root, now {show(root)}"
    if missing == listed:
        return f"paths are relative to --root, now {show(root)}"
    return (
        f"{missing} of {listed} videos are not under --root {show(root)}; correct the lists,"
        " or make lists of those that are with `lrcn-data lists --present`"
    )


def _warnings(names: Sequence[str], entries: Sequence[Entry]) -> Iterator[str]:
    for similar in similar_names(names):
        yield tell_similar("the classes", similar)
    are_sets = bool(entries) and not isinstance(entries[0].label, int)
    joined = [] if are_sets else joined_names(names)
    if joined:
        yield (
            f"the class {show(joined[0])} has the names of others, with commas between them; if"
            " such videos show several classes, give --multi-label"
        )
    labels = {(e.split, e.label if e.times is None else e.classes) for e in entries}
    if not any(split == "train" for split, _ in labels):
        return
    trained = {
        number
        for split, label in labels
        for number in ((label,) if isinstance(label, int) else label)
        if split == "train"
    }
    untrained = [name for number, name in enumerate(names) if number not in trained]
    if not untrained:
        return
    shown = first_few([show(name) for name in untrained], _NAMES_SHOWN)
    yield f"{len(untrained)} of {len(names)} classes have no train video: {shown}"
