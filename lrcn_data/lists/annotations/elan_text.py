"""ELAN's tab-delimited text with names of columns, a column for each tier; a file a video.

https://www.mpi.nl/tools/elan/docs/manual/Sec_Exporting_a_document_as_a_tab_delimited_text_file.html

The names are `Begin Time - ss.msec`, `End Time - ss.msec` and, in other time formats, `hh:mm:ss.ms`
or `msec`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, one_of
from lrcn_data.lists.spans import parse_seconds

_SCALES = {"ss.msec": 1, "hh:mm:ss.ms": 1, "msec": 1000}
_TIMES = ("begin time - ", "end time - ", "duration - ")


def recognises(source: Source) -> bool:
    """Whether it has a begin and an end in one of the time formats."""
    return _scale(source) is not None


def _scale(source: Source) -> str | None:
    pairs = ({f"begin time - {scale}", f"end time - {scale}"} for scale in _SCALES)
    found = zip(_SCALES, pairs, strict=True)
    return next((scale for scale, pair in found if pair <= source.columns.keys()), None)


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read texts, each of one video, which has the file's name.

    Raises:
        UsageError: There are several tiers and none is chosen, or a field is wrong.
    """
    left_out = Counter[str]()
    return Annotation(
        videos=[_video(source, options, left_out) for source in sources], left_out=left_out
    )


def _video(source: Source, options: ReadOptions, left_out: Counter[str]) -> AnnotatedVideo:
    scale = _scale(source)
    if scale is None:
        raise source.wrong(1, "no columns such as `Begin Time - ss.msec` and `End Time - ss.msec`")
    tiers = [name for name in source.header if not name.casefold().startswith(_TIMES)]
    tiers = [name for name in tiers if name]
    chosen = one_of(tiers, options.labels_from, what="tiers", where=source)
    spans = []
    for number, row in source.rows():
        label = row[chosen.casefold()]
        if not label:
            left_out["annotations of other tiers"] += 1
            continue
        begin, end = (
            source.parsed(number, parse_seconds, row[f"{side} time - {scale}"]) / _SCALES[scale]
            for side in ("begin", "end")
        )
        spans.append(LabelledSpan(begin, end, label))
    return AnnotatedVideo(name=source.path.stem, spans=spans, unit="seconds")
