"""Lists that are tables: CSV with commas, semicolons or tabs, with or without names of columns.

A table has a path and a label in each row. Its first line decides what it is: the names of its
columns, or a row `path,label` whose path ends as a video does. Lines with a space between path and
label are no table, and are read in `lines`; but they may begin with names of columns as well.

A table of segments has columns for start and end as well, and none that it isn't known what they
mean: other tools count frames from 1, or the last one in, and such a table would be read wrongly.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lrcn_data.lists.lines import BadLine, ListLine, entry_lines, is_video_name, split_at_video
from lrcn_data.lists.segments import segment_among
from lrcn_data.lists.spans import FPS_NAME, SEGMENT_FORM, SPAN_NAMES, SpanColumns, span_columns
from lrcn_data.printable import show

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}

_PATHS = (
    *("path", "video_path", "clip_path", "file_path", "filepath", "full_path", "rel_path"),
    *("filename", "file_name", "file", "video_file", "video_name", "clip_name", "video", "clip"),
    "name",
)
_LABELS = (
    *("label", "class", "class_name", "classname", "label_name", "action", "category", "target"),
    *("activity", "label_id", "class_id", "action_id", "class_index", "label_idx", "class_idx"),
)
"""Names of the columns that have the path and the label; of several, the first one here counts."""

_IDS = ("youtube_id", "video_id", "id", "vid", "yt_id")
_SPLITS = ("split", "subset", "partition", "set")
_SCORE = "score"
"""The column with how sure a net is of a segment; it is passed over."""

_TIME = re.compile(r"(.*_)?(start|end|begin|stop|onset)(_?time)?(_.*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """How the rows of a list are read.

    Attributes:
        delimiter: What separates the columns; None for white space between path and label, where
            only the first line is no entry.
        columns: How many columns there are.
        path: The position of the path among them.
        label: The position of the label among them.
        split: The position of the split's name, or None if no column has it.
        spans: Where the rows have their segments; None if they are whole videos.
        header: Number of the line with the names of the columns, or None if there is none.
    """

    delimiter: str | None
    columns: int
    path: int = 0
    label: int = 1
    split: int | None = None
    spans: SpanColumns | None = None
    header: int | None = None


def find_table(data: bytes) -> Table | BadLine | None:
    """Find out from the first line of a list whether it is a table.

    Args:
        data: Content of the file.

    Returns:
        How its rows are read, or why they can't be; None if it is no table.
    """
    line, text = next(entry_lines(data), (0, ""))
    for delimiter in _DELIMITERS:
        fields = _fields(text, delimiter)
        if len(fields) < 2:
            continue
        if _are_names(fields):
            return _named(fields, line, delimiter)
        if delimiter != "\t" and _is_row(fields):
            if len(fields) > 2:
                text = segment_among(fields) or (
                    f"{len(fields)} columns without names; put their names above, such as"
                    f" path{delimiter}label, or leave but the path and one label; several are one"
                    f' in quotes, as in a.mp4{delimiter}"0,3", and need --multi-label'
                )
                return BadLine(line=line, text=text)
            return Table(delimiter=delimiter, columns=2)
    if unknown := _unknown_names(data):
        return unknown
    words = text.split()
    if len(words) > 1 and _are_names(words) and all(_is_name(word) for word in words):
        return _named(words, line, None)
    return None


def _unknown_names(data: bytes) -> BadLine | None:
    """What is wrong with a first line that names columns by names that aren't known.

    It has no name of a video, and the row below it has one in as many columns.
    """
    lines = entry_lines(data)
    number, first = next(lines, (0, ""))
    _, second = next(lines, (0, ""))
    for delimiter in _DELIMITERS:
        names, row = _fields(first, delimiter), _fields(second, delimiter)
        if len(names) < 2 or len(names) != len(row) or any(map(is_video_name, names)):
            continue
        if sum(map(is_video_name, row)) == 1:
            return BadLine(
                line=number,
                text=f"it isn't known what the columns {', '.join(map(show, names))} are; call"
                " those that count video and label",
            )
    return None


def parse_table(data: bytes, table: Table) -> Iterator[ListLine | BadLine]:
    """Read the rows of a table: an entry for each, or what is wrong with it.

    Args:
        data: Content of the file.
        table: How its rows are read; its delimiter is not None.
    """
    assert table.delimiter is not None
    splits: dict[str, int] = {}
    for number, text in entry_lines(data):
        if number == table.header:
            continue
        fields = _fields(text, table.delimiter)
        if len(fields) != table.columns or not fields[table.path]:
            yield BadLine(
                line=number,
                text=f"{show(text)} is no row of {table.columns} columns, separated by"
                f" {_DELIMITERS[table.delimiter]} as in the first line",
            )
            continue
        if table.spans:
            yield _segment_line(number, fields, table, table.spans)
        else:
            yield ListLine(line=number, path=fields[table.path], label=fields[table.label] or None)
        if table.split is not None and fields[table.split]:
            splits.setdefault(fields[table.split].casefold(), number)
    if len(splits) > 1:
        yield BadLine(
            line=max(splits.values()),
            text=f"the list has rows of several splits ({', '.join(map(show, splits))}); write a"
            " list for each",
        )


def _segment_line(
    number: int, fields: Sequence[str], table: Table, spans: SpanColumns
) -> ListLine | BadLine:
    """A row of a table of segments."""
    path, label = fields[table.path], fields[table.label]
    if not label:
        text = f"the segment of {show(path)} has no label; add it, or leave the row out: what no"
        return BadLine(line=number, text=f"{text} row covers is unlabelled")
    try:
        span = spans.read(fields)
    except ValueError as error:
        return BadLine(line=number, text=f"{show(path)}: {error}")
    return ListLine(line=number, path=path, label=label, span=span)


def _fields(text: str, delimiter: str) -> list[str]:
    """The columns of a line; a single one where quotes are not closed."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        return [text]
    return [field.strip() for field in rows[0]] if rows else []


def _is_row(fields: Sequence[str]) -> bool:
    """Whether columns without names begin with a path, and hold no other video's name."""
    return is_video_name(fields[0]) and all(split_at_video(f)[0] is None for f in fields[1:])


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.casefold())


def _is_name(field: str) -> bool:
    name = _plain(field)
    return name in (*_PATHS, *_LABELS, *_IDS, *_SPLITS) or bool(_TIME.fullmatch(name))


def _are_names(fields: Sequence[str]) -> bool:
    """Whether a first line has the names of columns: one of a video and one of a label or time."""
    names = [_plain(field) for field in fields]
    videos = [name for name in names if name in (*_PATHS, *_IDS)]
    others = [name for name in names if name in _LABELS or _TIME.fullmatch(name)]
    return bool(videos and others)


def _named(fields: Sequence[str], line: int, delimiter: str | None) -> Table | BadLine:
    """The table that the names of columns promise, if it has paths and labels of whole videos."""
    names = [_plain(field) for field in fields]
    times = [show(f) for f, name in zip(fields, names, strict=True) if _TIME.fullmatch(name)]
    if times:
        return _of_segments(fields, names, line, delimiter) or BadLine(
            line=line,
            text=f"columns of segments ({', '.join(times)}) among {', '.join(map(show, fields))}:"
            f" {SEGMENT_FORM}; an annotation of another form is converted into that with"
            " `lrcn-data lists FILE`",
        )
    path = next((name for name in _PATHS if name in names), None)
    label = next((name for name in _LABELS if name in names), None)
    if path is None or label is None:
        missing = "path" if path is None else "label"
        return BadLine(
            line=line,
            text=f"of the columns {', '.join(map(show, fields))} none is called {missing}",
        )
    if delimiter is None and names != [path, label]:
        return BadLine(
            line=line,
            text=f"the columns must be a path and a label, not {', '.join(map(show, fields))}",
        )
    split = next((name for name in _SPLITS if name in names), None)
    return Table(
        delimiter=delimiter,
        columns=len(fields),
        path=names.index(path),
        label=names.index(label),
        split=None if split is None else names.index(split),
        header=line,
    )


def _of_segments(
    fields: Sequence[str], names: Sequence[str], line: int, delimiter: str | None
) -> Table | None:
    """The table of segments that the names of columns promise; None if one has no meaning in it."""
    spans = span_columns(names)
    path = [name for name in names if name in _PATHS]
    label = [name for name in names if name in _LABELS]
    if delimiter is None or spans is None or len(path) != 1 or len(label) != 1:
        return None
    if sorted({*names} - {FPS_NAME, _SCORE}) != sorted([*path, *label, *SPAN_NAMES[spans.unit]]):
        return None
    return Table(
        delimiter=delimiter,
        columns=len(fields),
        path=names.index(path[0]),
        label=names.index(label[0]),
        spans=spans,
        header=line,
    )
