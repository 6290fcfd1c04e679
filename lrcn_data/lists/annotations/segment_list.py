"""The normal form itself, to be divided anew: `video,start,end,label` or with frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, grouped
from lrcn_data.lists.lines import BadLine, ListLine
from lrcn_data.lists.spans import Span
from lrcn_data.lists.tables import Table, find_table, parse_table


def recognises(source: Source) -> bool:
    """Whether `lrcn-data shard` would take it."""
    if not source.is_text:
        return False
    table = find_table(source.text.encode())
    return isinstance(table, Table) and table.spans is not None


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read lists of segments, whose names say their split.

    Raises:
        UsageError: A line is no segment.
    """
    videos = []
    for source in sources:
        for name, found in grouped(_rows(source)).items():
            spans = [LabelledSpan(span.start, span.end, label) for label, span in found]
            rates = {span.fps for _, span in found if span.fps is not None}
            if len(rates) > 1:
                raise source.wrong(0, f"{name!r} has several rates in fps; a video has one")
            videos.append(
                AnnotatedVideo(
                    name=name,
                    spans=spans,
                    unit=found[0][1].unit,
                    split=source.split,
                    fps=rates.pop() if rates else None,
                )
            )
    return Annotation(videos=videos)


def _rows(source: Source) -> Iterator[tuple[str, tuple[str, Span]]]:
    data = source.text.encode()
    table = find_table(data)
    if isinstance(table, BadLine):
        raise source.wrong(table.line, table.text)
    if table is None or table.spans is None:
        raise source.wrong(0, "it has no columns video,start,end,label")
    for line in parse_table(data, table):
        if isinstance(line, BadLine):
            raise source.wrong(line.line, line.text)
        assert isinstance(line, ListLine)
        assert line.span is not None
        yield line.path, (line.label or "", line.span)
