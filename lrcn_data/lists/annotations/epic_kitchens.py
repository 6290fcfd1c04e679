"""EPIC-Kitchens-100's tables: verbs and nouns in seconds, with numbers of frames beside them.

https://github.com/epic-kitchens/epic-kitchens-100-annotations (`EPIC_100_train.csv` and so on). A
class is a number there; its name is read from `EPIC_100_verb_classes.csv` and
`EPIC_100_noun_classes.csv` if they lie beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.frames import rate_of
from lrcn_data.lists.annotations.source import Source, grouped, one_of
from lrcn_data.lists.spans import parse_frame, parse_seconds

_COLUMNS = (
    *("narration_id", "video_id", "start_timestamp", "stop_timestamp", "start_frame"),
    *("stop_frame", "verb_class", "noun_class"),
)
_BOTH = "verb+noun"
_FILES = {
    kind: (f"EPIC_100_{kind}_classes.csv", f"EPIC_100_{kind}_classes_v2.csv")
    for kind in ("verb", "noun")
}


def recognises(source: Source) -> bool:
    """Whether it has the columns."""
    return all(name in source.columns for name in _COLUMNS)


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read tables, whose names say their split.

    Raises:
        UsageError: It isn't said whether verbs or nouns are the labels, or a field is wrong.
    """
    choices = ["verb", "noun", _BOTH]
    chosen = one_of(choices, options.labels_from, what="kinds of labels", where=sources[0])
    names, notes = {}, []
    for kind in chosen.split("+"):
        found = _class_names(sources[0], kind)
        names[kind] = found
        if not found:
            notes.append(f"the {kind} classes are numbers, as {_FILES[kind][0]} is not beside them")
    videos = []
    for source in sources:
        rows = grouped(_rows(source, lambda row: _label(row, names)))
        videos += [
            AnnotatedVideo(
                name=name,
                spans=[span for span, _ in spans],
                unit="seconds",
                split=source.split,
                fps=rate_of(pair for _, pair in spans),
            )
            for name, spans in rows.items()
        ]
    return Annotation(videos=videos, notes=notes)


def _label(row: dict[str, str], names: dict[str, dict[str, str]]) -> str:
    numbers = {kind: row[f"{kind}_class"] for kind in names}
    if not all(numbers.values()):
        raise ValueError("a class is missing")
    return " ".join(names[kind].get(number, number) for kind, number in numbers.items())


def _class_names(table: Source, kind: str) -> dict[str, str]:
    """The names of the classes by their numbers, if they lie beside the table."""
    for name in _FILES[kind]:
        source = table.beside(name)
        if source is not None:
            id_name, key = ("id", "key") if "key" in source.columns else ("noun_id", "class_key")
            return {row[id_name]: row[key] for _, row in source.rows() if id_name in row}
    return {}


def _rows(
    source: Source, label_of: Callable[[dict[str, str]], str]
) -> Iterator[tuple[str, tuple[LabelledSpan, tuple[float, int]]]]:
    for number, row in source.rows():
        start = source.parsed(number, parse_seconds, row["start_timestamp"])
        end = source.parsed(number, parse_seconds, row["stop_timestamp"])
        frame = source.parsed(number, parse_frame, row["stop_frame"])
        try:
            label = label_of(row)
        except ValueError as error:
            raise source.wrong(number, str(error)) from error
        yield row["video_id"], (LabelledSpan(start, end, label), (end, frame))
