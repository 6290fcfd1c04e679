"""Writes lists of segments, so that they read as they were meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from lrcn_data.errors import UsageError
from lrcn_data.lists.lines import ListLine
from lrcn_data.lists.made_lists import ListedVideo
from lrcn_data.lists.spans import FPS_NAME, SPAN_NAMES
from lrcn_data.lists.tables import Table, find_table, parse_table
from lrcn_data.lists.time_labels import Unit
from lrcn_data.printable import show

_DECIMALS = 6


def segment_list(videos: Sequence[ListedVideo]) -> str:
    """Write the list of some videos with labels in time; an empty text if there is none.

    Raises:
        UsageError: Some are in seconds and some in frames, or a name can't stand in a list.
    """
    units = {video.times.unit for video in videos if video.times is not None}
    if not units:
        return ""
    if len(units) > 1:
        raise UsageError("some videos are annotated in seconds and some in frames; convert them"
                         " one after the other")  # fmt: skip
    unit = units.pop()
    with_rate = any(video.times is not None and video.times.fps for video in videos)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["video", *SPAN_NAMES[unit], "label", *[FPS_NAME] * with_rate])
    rows = []
    for video in videos:
        assert video.times is not None
        rate = [f"{video.times.fps:.10g}" if video.times.fps else ""] * with_rate
        for span in video.times.spans:
            ends = [_number(span.start, unit), _number(span.end or 0, unit)]
            rows.append((video.path, span.label))
            writer.writerow([video.path, *ends, span.label, *rate])
    text = file.getvalue()
    _check(text, rows)
    return text


def _number(value: float, unit: Unit) -> str:
    if unit == "frames":
        return str(int(value))
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _check(text: str, rows: Sequence[tuple[str, str]]) -> None:
    """Refuse what would read differently: names with line ends, with # in front, and such."""
    data = text.encode("utf-8", "surrogateescape")
    table = find_table(data)
    found = list(parse_table(data, table)) if isinstance(table, Table) else []
    read = [(line.path, line.label) if isinstance(line, ListLine) else None for line in found]
    wrong = next((n for n, row in enumerate(rows) if n >= len(read) or read[n] != row), None)
    if wrong is not None:
        path, label = rows[wrong]
        raise UsageError(
            f"no line of a list can hold {show(path)} with the label {show(label)}, or with its"
            " times; rename the file or the label"
        )
