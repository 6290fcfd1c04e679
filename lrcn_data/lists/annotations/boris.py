"""BORIS's exports of events as CSV or TSV: tabular (START and STOP) or aggregated.

https://github.com/olivierfriard/boris_docs/blob/master/export_events.rst; columns as in its tests
(https://github.com/olivierfriard/BORIS, tests/files/test_export_aggregated_events_*.tsv). State
events have a duration; point events have none and are left out. Times count from the start of the
observation, so that one of several files in a row is refused. Old tabular exports, which have lines
on the observation above the names of the columns, are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, grouped
from lrcn_data.lists.spans import parse_rate, parse_seconds
from lrcn_data.printable import show

_MEDIA = ("media file name", "media file", "media file path")
_STATUS = ("behavior type", "status")
_RATE = ("fps", "fps (frame/s)")
_POINT = "point events (they have no duration)"

_Row = dict[str, str]
_Numbered = tuple[Source, int, _Row]


def recognises(source: Source) -> bool:
    """Whether it has the columns of one of the two exports."""
    names = source.columns
    has_events = "observation id" in names and "behavior" in names
    return has_events and ("time" in names or ("start (s)" in names and "stop (s)" in names))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read exports.

    Raises:
        UsageError: An observation has several videos, or a video several observations; an event is
            not closed; or a field is wrong.
    """
    left_out = Counter[str]()
    rows = [(source, number, row) for source in sources for number, row in source.rows()]
    videos = grouped((_media(one), one) for one in rows)
    observations = grouped((one[2]["observation id"], _media(one)) for one in rows)
    for observation, media in observations.items():
        if len(set(media)) > 1:
            why = f"observation {show(observation)} has several videos, whose times run on"
            raise sources[0].wrong(0, f"{why}; export observations of one video each")
    made = []
    for name, found in videos.items():
        ids = sorted({row["observation id"] for _, _, row in found})
        if len(ids) > 1:
            shown = ", ".join(map(show, ids))
            raise sources[0].wrong(0, f"{show(name)} has several observations: {shown}; keep one")
        spans = list(_spans(found, left_out))
        made.append(AnnotatedVideo(name=name, spans=spans, unit="seconds", fps=_rate(found)))
    return Annotation(videos=made, left_out=left_out)


def _field(row: _Row, names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _media(one: _Numbered) -> str:
    source, number, row = one
    name = _field(row, _MEDIA)
    if not name or ";" in name:
        why = f"{show(name) or 'no media file'}; an event must belong to one video"
        raise source.wrong(number, why)
    return name


def _rate(rows: Sequence[_Numbered]) -> float | None:
    rates = set()
    for _, _, row in rows:
        with suppress(ValueError):  # NA where BORIS didn't know it
            rates.add(parse_rate(_field(row, _RATE)))
    return rates.pop() if len(rates) == 1 else None


def _spans(rows: Sequence[_Numbered], left_out: Counter[str]) -> Iterator[LabelledSpan]:
    started: dict[tuple[str, ...], tuple[float, Source, int]] = {}
    for source, number, row in rows:
        label, status = row["behavior"], _field(row, _STATUS).upper()
        if not label:
            raise source.wrong(number, "no behavior")
        if status == "POINT":
            left_out[_POINT] += 1
            continue
        if "start (s)" in row:
            start = source.parsed(number, parse_seconds, row["start (s)"])
            yield LabelledSpan(start, source.parsed(number, parse_seconds, row["stop (s)"]), label)
            continue
        time = source.parsed(number, parse_seconds, row["time"])
        event = (row.get("subject", ""), label)
        if status == "START" and event not in started:
            started[event] = (time, source, number)
        elif status == "STOP" and event in started:
            yield LabelledSpan(started.pop(event)[0], time, label)
        else:
            raise source.wrong(number, f"{show(status) or 'nothing'} of {show(label)} where a START"
                               " and a STOP must follow each other")  # fmt: skip
    for (_, label), (_, source, number) in started.items():
        raise source.wrong(number, f"{show(label)} starts here and has no STOP")
