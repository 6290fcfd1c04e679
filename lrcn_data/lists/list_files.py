"""Reads single list files and class files, and finds what is wrong with each file by itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path, PurePath

from lrcn_data.lists.annotations.formats import table_form
from lrcn_data.lists.label_sets import one_label_each
from lrcn_data.lists.lines import (
    BadLine,
    ClassLines,
    ListLine,
    is_video_name,
    parse_classes,
    parse_list,
)
from lrcn_data.lists.problems import ListFile, Problem
from lrcn_data.lists.segments import why_no_single_label
from lrcn_data.lists.similar_names import composed
from lrcn_data.lists.tables import find_table, parse_table
from lrcn_data.printable import show
from lrcn_data.storage import locations, remote_files
from lrcn_data.video.picture_folder import is_numbered_picture

_COUNTED = re.compile(r"(.*\S)[ \t]+([0-9]{1,9})", re.DOTALL)
_DELIMITERS = (b",", b";", b"\t")
_HMDB51 = re.compile(r".*_test_split[0-9]+\.txt")


def read_class_file(path: ListFile, problems: list[Problem]) -> ClassLines | None:
    """Read the class names of a file.

    Args:
        path: The class file.
        problems: What is wrong with it is appended here.

    Returns:
        The class names, or None if they can't be used.
    """
    data = _read_text(path, "class file", problems)
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
        before = first.setdefault(composed(name), line)
        if before != line:
            text = f"class {show(name)} already stands in line {before}"
            problems.append(Problem(kind="class twice", file=path, line=line, text=text))
    return known


def read_list_file(
    path: ListFile,
    known: ClassLines | None,
    root: Path,
    problems: list[Problem],
    *,
    multi_label: bool = False,
) -> list[ListLine]:
    """Read the lines of a video list.

    Args:
        path: The list.
        known: The class names that were given, or None if there are none.
        root: The folder that the paths in the list are relative to.
        problems: What is wrong with the list is appended here.
        multi_label: Whether a line may have several labels; it is then given once for each.

    Returns:
        Its lines, or an empty list if they can't be used.
    """
    data = _read_text(path, "list", problems)
    if data is None:
        return []
    if _HMDB51.fullmatch(PurePath(path).name):
        text = (
            "this is a split file of HMDB51, whose numbers are no classes; make lists of the"
            f" folder with `lrcn-data lists {show(locations.split_location(str(path))[0])}`"
        )
        problems.append(Problem(kind="split file", file=path, line=0, text=text))
        return []
    if _is_json(data):
        text = (
            "this list is JSON; write it as lines of the form `path label`, or as CSV; an"
            f" annotation of segments is converted with `lrcn-data lists {show(str(path))}`"
        )
        problems.append(Problem(kind="JSON", file=path, line=0, text=text))
        return []
    # lines with a space between path and label are none; a long list is not looked at once more
    may_be_table = any(delimiter in data.lstrip().partition(b"\n")[0] for delimiter in _DELIMITERS)
    if may_be_table and find_table(data) is None and (form := _form(path)):
        text = (
            f"this is an annotation of the form {form}; convert it with `lrcn-data lists"
            f" {show(str(path))}`"
        )
        problems.append(Problem(kind="annotation", file=path, line=0, text=text))
        return []
    names = set(known.names) if known else set()
    found = list(_entries(data, names, root, multi_label=multi_label))
    if not found:
        text = "this list has no video; it must have lines of the form `path label`"
        problems.append(Problem(kind="empty", file=path, line=0, text=text))
    problems += [
        Problem(kind="no entry", file=path, line=bad.line, text=bad.text)
        for bad in found
        if isinstance(bad, BadLine)
    ]
    return [line for line in found if isinstance(line, ListLine)]


def _is_json(data: bytes) -> bool:
    """Whether a list is one JSON text, or has one a line."""
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    for text in (data, data.lstrip().partition(b"\n")[0]):
        try:
            json.loads(text)
        except ValueError:
            continue
        return True
    return False


def _entries(
    data: bytes, names: Set[str], root: Path, *, multi_label: bool
) -> Iterator[ListLine | BadLine]:
    """Read the lines of a list that is a table or plain; tell those that are no entries.

    Args:
        data: Content of the list.
        names: The class names that were given.
        root: The folder that the paths in the list are relative to.
        multi_label: Whether a line may have several labels.
    """
    table = find_table(data)
    if isinstance(table, BadLine):
        yield table
        return
    lines: Iterable[ListLine | BadLine]
    if table and table.delimiter:
        lines = parse_table(data, table)
    else:
        header = table.header if table else None
        lines = (line for line in parse_list(data, names) if line.line != header)
    for found in lines:
        line = found if isinstance(found, BadLine) else _without_count(found, root)
        if isinstance(line, BadLine) or line.span is not None:
            yield line
            continue
        for one in one_label_each(line, names) if multi_label else (line,):
            why = None if one.label in names else why_no_single_label(one)
            if why and not _is_odd_name(one.path, root):
                yield BadLine(line=one.line, text=why)
            else:
                yield one


def _without_count(line: ListLine, root: Path) -> ListLine | BadLine:
    """A line `path count label` of a folder of pictures, as mmaction2 has it, without the count.

    It is one only where the path is that of a folder of numbered pictures.
    """
    match = None if line.span else _COUNTED.fullmatch(line.path)
    if match is None or os.path.exists(root / line.path):  # noqa: PTH110 - never fails
        return line
    try:
        names = [entry.name for entry in (root / match[1]).iterdir()]
    except OSError:
        return line
    there = sum(map(is_numbered_picture, names))
    if there == int(match[2]):
        return replace(line, path=match[1])
    if not there:
        return line
    text = f"{match[2]} pictures are said to be in {show(match[1])}, and there are {there}"
    return BadLine(line=line.line, text=text)


def _is_odd_name(path: str, root: Path) -> bool:
    """Whether numbers behind the name of a video are part of a file's name, since it is there."""
    return not is_video_name(path) and os.path.isfile(root / path)  # noqa: PTH113 - never fails


def _form(path: ListFile) -> str | None:
    """The form of annotations that a file has, if it has one and is on this machine."""
    return table_form(str(path)) if isinstance(path, Path) else None


def _read_text(path: ListFile, what: str, problems: list[Problem]) -> bytes | None:
    """The bytes of a text file, or None, and a problem, if it is none."""
    try:
        data = path.read_bytes() if isinstance(path, Path) else remote_files.read(path)[0]
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
