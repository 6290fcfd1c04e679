"""A file of an annotation, read once, as lines, as a table or as JSON; what can't be is refused."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePath
from typing import Any, TypeVar

from lrcn_data.errors import UsageError
from lrcn_data.printable import show
from lrcn_data.storage import locations

_Key = TypeVar("_Key", bound=Hashable)
_Row = TypeVar("_Row")

_DELIMITERS = (",", "\t", ";")

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


class Source:
    """A file of an annotation.

    Args:
        location: The path or URL of the file.

    Attributes:
        location: The path or URL of the file.
        path: The same as a path, for the parts of its name.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.path = PurePath(location)

    def beside(self, name: str) -> Source | None:
        """A file of the same folder, if it is there."""
        location = locations.join(locations.split_location(self.location)[0], name)
        return Source(location) if locations.is_file(location) else None

    def wrong(self, line: int, why: str) -> UsageError:
        """The error that says what is wrong with a line; with the whole file if it is 0."""
        where = f"{self.location}:{line}" if line else self.location
        return UsageError(f"{show(where)}: {why}")

    @property
    def split(self) -> str | None:
        """The split that the file's name ends in or has among its words, such as `..._val.csv`."""
        words = re.split(r"[^a-z]+", self.path.stem.casefold())
        found = {_SPLITS[word] for word in words if word in _SPLITS}
        return found.pop() if len(found) == 1 else None

    @cached_property
    def text(self) -> str:
        """The content: UTF-8, with or without a byte order mark; lines end in LF or CRLF.

        Raises:
            UsageError: It can't be read, or is no such text.
        """
        try:
            data = locations.read_whole(self.location)
        except OSError as error:
            raise self.wrong(0, f"this file can't be read ({error.strerror})") from error
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise self.wrong(0, "this file is UTF-16; save it as UTF-8")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self.wrong(line, "this is no UTF-8; save the file as UTF-8") from error
        if "\0" in text:
            raise self.wrong(0, "a NUL byte; this is no annotation, or it is damaged")
        return text.replace("\r\n", "\n")

    @cached_property
    def is_text(self) -> bool:
        """Whether the content can be read as text."""
        try:
            return bool(self.text)
        except UsageError:
            return False

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """The number, counted from 1, and the text of each line that isn't blank."""
        found = ((number, line.strip()) for number, line in enumerate(self.text.split("\n"), 1))
        return [(number, line) for number, line in found if line]

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns, as the first line has them; empty if it has one word only."""
        return self._header_and_delimiter[0]

    @cached_property
    def columns(self) -> dict[str, int]:
        """The position of each column, by its name in small letters; of equal ones the first."""
        names = [name.casefold() for name in self.header]
        return {name: position for position, name in reversed(list(enumerate(names)))}

    @cached_property
    def _header_and_delimiter(self) -> tuple[list[str], str]:
        first = self.lines[0][1] if self.is_text and self.lines else ""
        found = [(self._split(first, delimiter), delimiter) for delimiter in _DELIMITERS]
        names, delimiter = max(found, key=lambda one: len(one[0]))
        return ([name.strip() for name in names], delimiter) if len(names) > 1 else ([], ",")

    @staticmethod
    def _split(line: str, delimiter: str) -> list[str]:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The number of the last line of each row below the header, and its fields by column.

        Raises:
            UsageError: A row has another number of columns, or quotes are not closed.
        """
        _, delimiter = self._header_and_delimiter
        names = [name.casefold() for name in self.header]
        reader = csv.reader(
            self.text.split("\n"), delimiter=delimiter, skipinitialspace=True, strict=True
        )
        seen_header = False
        try:
            for fields in reader:
                values = [field.strip() for field in fields]
                if not any(values):
                    continue
                if not seen_header:
                    seen_header = True
                    continue
                if len(values) != len(names):
                    raise self.wrong(
                        reader.line_num, f"{len(values)} columns, and the header has {len(names)}"
                    )
                # of equal names the first one counts
                yield reader.line_num, dict(zip(reversed(names), reversed(values), strict=True))
        except csv.Error as error:
            raise self.wrong(reader.line_num, f"no row of a table ({error})") from error

    @cached_property
    def json(self) -> Any:
        """The content as JSON; None if it is none.

        Raises:
            UsageError: An object has a name twice, of which one would be lost.
        """
        if not self.is_text or self.text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            return json.loads(self.text, object_pairs_hook=self._with_each_name_once)
        except (ValueError, RecursionError):
            return None

    def _with_each_name_once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise self.wrong(0, f"{show(twice)} stands twice in one object; keep one of the two")
        return found

    def parsed(self, line: int, parse: Callable[[str], _Row], text: str) -> _Row:
        """What a function reads from a text of a line.

        Raises:
            UsageError: It raised ValueError, whose message is told with the line.
        """
        try:
            return parse(text)
        except ValueError as error:
            raise self.wrong(line, str(error)) from error


def grouped(pairs: Iterable[tuple[_Key, _Row]]) -> dict[_Key, list[_Row]]:
    """The values of each key, both in the order in which they came."""
    found: dict[_Key, list[_Row]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def one_of(names: Sequence[str], wanted: str | None, *, what: str, where: Source) -> str:
    """The name that --labels-from chooses among several.

    Args:
        names: What there is.
        wanted: What was given, or None.
        what: What the names name, in the plural.
        where: The file that has them.

    Raises:
        UsageError: There is no such name, or several and none was given.
    """
    if wanted is not None and wanted in names:
        return wanted
    shown = ", ".join(map(show, names)) or "none"
    if wanted is not None:
        raise where.wrong(0, f"--labels-from {show(wanted)} is none of its {what}: {shown}")
    if len(names) == 1:
        return names[0]
    raise where.wrong(0, f"it has {len(names)} {what}: {shown}; choose with --labels-from NAME")
