"""Charades' tables: all actions of a video in one field, `c092 11.90 21.20;c147 0.00 12.60`.

https://prior.allenai.org/projects/charades (`Charades_v1_train.csv`, `Charades_v1_test.csv`); the
names of the classes are read from `Charades_v1_classes.txt` if it lies beside. Actions overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source
from lrcn_data.lists.spans import parse_seconds

_CLASSES = "Charades_v1_classes.txt"


def recognises(source: Source) -> bool:
    """Whether it has the columns."""
    return all(name in source.columns for name in ("id", "actions", "length"))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read tables, whose names say their split.

    Raises:
        UsageError: A field is not what it should be.
    """
    names = _class_names(sources[0])
    videos = [
        AnnotatedVideo(
            name=row["id"],
            spans=list(_spans(source, number, row["actions"], names)),
            unit="seconds",
            split=source.split,
        )
        for source in sources
        for number, row in source.rows()
    ]
    notes = [] if names else [f"the classes are named by their codes, as no {_CLASSES} is beside"]
    return Annotation(videos=videos, classes=list(names.values()) or None, notes=notes)


def _class_names(source: Source) -> dict[str, str]:
    classes = source.beside(_CLASSES)
    if classes is None:
        return {}
    pairs = (line.partition(" ") for _, line in classes.lines)
    return {code: name.strip() for code, _, name in pairs}


def _spans(
    source: Source, number: int, actions: str, names: Mapping[str, str]
) -> Iterator[LabelledSpan]:
    for action in filter(None, map(str.strip, actions.split(";"))):
        parts = action.split()
        if len(parts) != 3:
            raise source.wrong(number, f"{action!r} is no action such as `c092 11.90 21.20`")
        if names and parts[0] not in names:
            raise source.wrong(number, f"{parts[0]} is no class of {_CLASSES}")
        start, end = (source.parsed(number, parse_seconds, text) for text in parts[1:])
        yield LabelledSpan(start, end, names.get(parts[0], parts[0]))
