"""Reads video lists: which video belongs to which class and split; refuses what can't be meant.

How a line is read is in `list_lines`, what is checked over all lines in `list_checks`.
"""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.checks import (
    find_duplicates,
    find_missing,
    find_same_content,
    find_shared_groups,
)
from lrcn_data.lists.entry import Entry
from lrcn_data.lists.labels import LabelTable, folder_of, label_table
from lrcn_data.lists.lines import ClassLines, ListLine, parse_classes, parse_list
from lrcn_data.lists.problems import ListError, Problem
from lrcn_data.printable import show
from lrcn_data.splits import SPLITS

__all__ = ["Entry", "ListError", "Lists", "Problem", "read_lists"]

_HMDB51 = re.compile(r".*_test_split[0-9]+\.txt")
_UNKNOWN = -1
_NAMES_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Lists:
    """The videos of a data set.

    Attributes:
        classes: Class names by class number.
        entries: All videos, by split (train, val, test) and line.
        warnings: What is odd about them, a sentence each.
    """

    classes: list[str]
    entries: list[Entry]
    warnings: list[str]


def read_lists(
    paths: Mapping[str, Path],
    *,
    root: Path,
    classes: Path | None = None,
    label_base: int | None = None,
    allow_leakage: bool = False,
    allow_missing: bool = False,
    check_content: bool = False,
) -> Lists:
    """Read and check the lists of a data set, without opening a video.

    Args:
        paths: The list of each split.
        root: What the paths in the lists are relative to.
        classes: A file of class names: one a line, or numbered as UCF-101's classInd.txt.
        label_base: What the numbers in the lists start at, 0 or 1. None finds it out, where that
            can be done without guessing: from a numbered class file, or from a label 0.
        allow_leakage: Let a video, or a group of clips, be in two splits.
        allow_missing: Let videos be listed that are not there.
        check_content: Also look for equal files under two names, which reads all files of
            equal size.

    Raises:
        UsageError: There is no list, or an option has no meaning.
        ListError: Anything is wrong with the lists; it holds all that was found.
    """
    if label_base not in (None, 0, 1):
        raise UsageError(f"--label-base must be 0 or 1, got {label_base}")
    unknown = sorted(set(paths) - set(SPLITS))
    if unknown or not paths:
        found = f"of {', '.join(unknown)}" if unknown else "at all"
        raise UsageError(
            f"there must be lists of {', '.join(SPLITS)}, one or more; got one {found}"
        )
    files = {split: paths[split] for split in SPLITS if split in paths}
    with _collector_paused():
        return _read_all(
            files,
            root=root,
            classes=classes,
            label_base=label_base,
            allow_leakage=allow_leakage,
            allow_missing=allow_missing,
            check_content=check_content,
        )


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


def _read_all(
    files: Mapping[str, Path],
    *,
    root: Path,
    classes: Path | None,
    label_base: int | None,
    allow_leakage: bool,
    allow_missing: bool,
    check_content: bool,
) -> Lists:
    problems: list[Problem] = []
    known = _read_classes(classes, problems) if classes else None
    lines = {split: _read_list(files[split], known, problems) for split in files}
    names, entries = _resolve(lines, files, known, label_base, problems)
    problems += find_duplicates(entries, files, across_splits=not allow_leakage)
    if not allow_leakage:
        problems += find_shared_groups(entries, files)
    advice = ""
    if not allow_missing:
        missing = list(find_missing(entries, files, root))
        problems += missing
        advice = _advice(len(missing), len(entries), root)
    if check_content:
        problems += find_same_content(entries, files, root)
    if problems:
        raise ListError(problems, advice)
    return Lists(classes=names, entries=entries, warnings=_warnings(names, entries))


def _read_file(path: Path, what: str, problems: list[Problem]) -> bytes | None:
    """A text file's bytes; None, and a problem, where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        text = f"this {what} can't be read ({error.strerror}); check its name"
        problems.append(Problem(kind="unreadable", file=path, line=0, text=text))
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = f"this {what} is UTF-16; save it as UTF-8"
        problems.append(Problem(kind="unreadable", file=path, line=0, text=text))
        return None
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        text = f"a NUL byte; this is no {what}, or it is damaged"
        problems.append(Problem(kind="unreadable", file=path, line=line, text=text))
        return None
    return data


def _read_classes(path: Path, problems: list[Problem]) -> ClassLines | None:
    data = _read_file(path, "class file", problems)
    if data is None:
        return None
    known = parse_classes(data)
    if not known.names:
        text = "no class name; it must have one a line"
        problems.append(Problem(kind="empty", file=path, line=0, text=text))
        return None
    if known.misnumbered is not None:
        text = "its numbers must rise by one from 0 or 1; correct them, or leave all numbers out"
        problems.append(Problem(kind="class numbers", file=path, line=known.misnumbered, text=text))
        return None
    first: dict[str, int] = {}
    for name, line in zip(known.names, known.lines, strict=True):
        before = first.setdefault(name, line)
        if before != line:
            text = f"class {show(name)} already stands in line {before}"
            problems.append(Problem(kind="class twice", file=path, line=line, text=text))
    return known


def _read_list(path: Path, known: ClassLines | None, problems: list[Problem]) -> list[ListLine]:
    data = _read_file(path, "list", problems)
    if data is None:
        return []
    if _HMDB51.fullmatch(path.name):
        text = (
            "this is a split file of HMDB51, whose numbers are no classes; make lists of the"
            f" folder with `lrcn-data lists {show(str(path.parent))}`"
        )
        problems.append(Problem(kind="split file", file=path, line=0, text=text))
        return []
    lines = parse_list(data, known.names if known else ())
    if not lines:
        text = "this list has no video; it must have lines of the form `path label`"
        problems.append(Problem(kind="empty", file=path, line=0, text=text))
    return lines


def _resolve(
    lines: Mapping[str, list[ListLine]],
    files: Mapping[str, Path],
    known: ClassLines | None,
    label_base: int | None,
    problems: list[Problem],
) -> tuple[list[str], list[Entry]]:
    """Class names and entries; an entry whose class can't be told has label -1."""
    table = label_table(list(chain(*lines.values())), known, label_base)
    if table.problem and any(lines.values()):
        split = next(split for split in lines if lines[split])
        text = table.problem
        problems.append(Problem(kind="labels", file=files[split], line=0, text=text))
    entries = []
    for split, members in lines.items():
        for line in members:
            label = _number_of(line, table)
            if label == _UNKNOWN and not table.is_told(line.label):
                text = _why_unknown(line, table)
                problems.append(
                    Problem(kind="unknown label", file=files[split], line=line.line, text=text)
                )
            entries.append(Entry(line.path, label, split, line.line))
    return table.names, entries


def _number_of(line: ListLine, table: LabelTable) -> int:
    if line.label is None:
        return table.by_folder.get(folder_of(line.path), _UNKNOWN)
    return table.by_text.get(line.label, _UNKNOWN)


def _why_unknown(line: ListLine, table: LabelTable) -> str:
    if line.label is not None:
        return f"label {show(line.label)} of {show(line.path)} is not {table.allowed}"
    if "," in line.path:
        return f"{show(line.path)} has no label; put a space before it, not a comma"
    return (
        f"{show(line.path)} has no label, and its folder {show(folder_of(line.path)) or '(none)'}"
        " is no known class; add the label, or give --classes FILE"
    )


def _advice(missing: int, listed: int, root: Path) -> str:
    """What may help against missing files."""
    if not missing:
        return ""
    if missing == 1:
        return f"correct the list, or --root, now {show(str(root))}"
    if missing == listed:
        return f"paths are relative to --root, now {show(str(root))}"
    return (
        f"{missing} of {listed} videos are not under --root {show(str(root))}; correct the lists,"
        " or make lists of those that are with `lrcn-data lists --present`"
    )


def _warnings(names: Sequence[str], entries: Sequence[Entry]) -> list[str]:
    counts = Counter((entry.split, entry.label) for entry in entries)
    warnings = []
    if any(split == "train" for split, _ in counts):
        untrained = [name for label, name in enumerate(names) if not counts["train", label]]
        if untrained:
            shown = ", ".join(show(name) for name in untrained[:_NAMES_SHOWN])
            more = f" and {len(untrained) - _NAMES_SHOWN} more" * (len(untrained) > _NAMES_SHOWN)
            warnings.append(
                f"{len(untrained)} of {len(names)} classes have no train video: {shown}{more}"
            )
    return warnings
