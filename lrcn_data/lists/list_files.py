"""Reads single list files and class files, and finds what is wrong with each file by itself."""

from __future__ import annotations

import re
from pathlib import Path

from lrcn_data.lists.lines import ClassLines, ListLine, parse_classes, parse_list
from lrcn_data.lists.problems import Problem
from lrcn_data.printable import show

_HMDB51 = re.compile(r".*_test_split[0-9]+\.txt")


def read_class_file(path: Path, problems: list[Problem]) -> ClassLines | None:
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
        before = first.setdefault(name, line)
        if before != line:
            text = f"class {show(name)} already stands in line {before}"
            problems.append(Problem(kind="class twice", file=path, line=line, text=text))
    return known


def read_list_file(path: Path, known: ClassLines | None, problems: list[Problem]) -> list[ListLine]:
    """Read the lines of a video list.

    Args:
        path: The list.
        known: The class names that were given, or None if there are none.
        problems: What is wrong with the list is appended here.

    Returns:
        Its lines, or an empty list if they can't be used.
    """
    data = _read_text(path, "list", problems)
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


def _read_text(path: Path, what: str, problems: list[Problem]) -> bytes | None:
    """The bytes of a text file, or None, and a problem, if it is none."""
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
