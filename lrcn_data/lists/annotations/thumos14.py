"""THUMOS14's annotation: a text file a class (`BaseballPitch_val.txt`), or one table.

The official files (https://www.crcv.ucf.edu/THUMOS14/download.html, TH14_Temporal_annotations) have
lines `video_validation_0000266 72.8 76.4`, in seconds. The table `video,type,type_idx,start,end,
startFrame,endFrame` is that of https://github.com/frostinassiky/gtad (`val_Annotation.csv`).

The validation videos are trained on, as all work on THUMOS14 does: its training videos are trimmed
clips, those of UCF-101.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.frames import rate_of
from lrcn_data.lists.annotations.source import Source, grouped
from lrcn_data.lists.spans import parse_frame, parse_seconds

_FILE = re.compile(r"(.+)_(?:val|test)")
_LINE = re.compile(r"(video_(?:validation|test)_[0-9]+)\s+(\S+)\s+(\S+)")
_COLUMNS = {"video", "type", "type_idx", "start", "end", "startframe", "endframe"}
_AMBIGUOUS = "Ambiguous"

_Found = tuple[LabelledSpan, tuple[float, int] | None]


def recognises(source: Source) -> bool:
    """Whether it is the table, or a file of a class."""
    if set(source.columns) == _COLUMNS:
        return True
    is_class = bool(_FILE.fullmatch(source.path.stem)) and source.is_text and bool(source.lines)
    return is_class and bool(_LINE.fullmatch(source.lines[0][1]))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read tables and files of classes.

    Raises:
        UsageError: A line is not what it should be.
    """
    found = grouped(row for source in sources for row in _rows(source))
    videos = [
        AnnotatedVideo(
            name=name,
            spans=[span for span, _ in rows],
            unit="seconds",
            split="test" if "_test_" in name else "train",
            fps=rate_of(pair for _, pair in rows if pair),
        )
        for name, rows in found.items()
    ]
    notes = []
    if any("_validation_" in name for name in found):
        notes.append("THUMOS14's validation videos go into the train list, as is usual for it")
    if any(span.label == _AMBIGUOUS for rows in found.values() for span, _ in rows):
        notes.append(
            f"{_AMBIGUOUS} is taken as a class; THUMOS14 leaves such stretches out of its scores,"
            f" as --unlabelled {_AMBIGUOUS} does"
        )
    return Annotation(videos=videos, notes=notes)


def _rows(source: Source) -> Iterator[tuple[str, _Found]]:
    if set(source.columns) == _COLUMNS:
        for number, row in source.rows():
            end = source.parsed(number, parse_seconds, row["end"])
            frame = source.parsed(number, parse_frame, row["endframe"])
            start = source.parsed(number, parse_seconds, row["start"])
            yield row["video"], (LabelledSpan(start, end, row["type"]), (end, frame))
        return
    match = _FILE.fullmatch(source.path.stem)
    if match is None:
        raise source.wrong(0, "its name must be CLASS_val.txt or CLASS_test.txt")
    for number, line in source.lines:
        parts = _LINE.fullmatch(line)
        if parts is None:
            why = f"{line!r} is no line such as `video_validation_0000266 72.8 76.4`"
            raise source.wrong(number, why)
        start, end = (source.parsed(number, parse_seconds, text) for text in parts.group(2, 3))
        yield parts[1], (LabelledSpan(start, end, match[1]), None)
