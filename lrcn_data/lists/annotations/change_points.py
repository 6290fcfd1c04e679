"""A table a video with the frame at which each phase starts: `frame,phase`.

A phase lasts until the next line, and the last one to the video's end. A table with a line for each
frame, as Cholec80 has (http://camma.u-strasbg.fr/datasets: `Frame`, a tab and `Phase`, from 0),
reads the same from ten lines on; its last line is one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.frame_table import first_frame
from lrcn_data.lists.annotations.frames import spans_of_frames
from lrcn_data.lists.annotations.source import Source
from lrcn_data.lists.spans import parse_frame

_DENSE = 10
"""Lines from which on a table with every frame is one of frames, not of changes."""

_LABELS = ("phase", "label", "class", "action", "activity")


def recognises(source: Source) -> bool:
    """Whether there are two columns: `frame` and a label."""
    columns = source.columns
    return len(source.header) == 2 and "frame" in columns and any(n in columns for n in _LABELS)


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read files of one video each, which have its name.

    Raises:
        UsageError: Frames don't ascend, or a field is no number of a frame.
    """
    rows = {source: _rows(source) for source in sources}
    base, notes = first_frame((frame for found in rows.values() for frame, _ in found), options)
    return Annotation(
        videos=[
            AnnotatedVideo(
                name=source.path.stem,
                spans=_spans([(frame - base, label) for frame, label in found]),
                unit="frames",
            )
            for source, found in rows.items()
        ],
        notes=notes,
    )


def _rows(source: Source) -> list[tuple[int, str]]:
    label = next(name for name in _LABELS if name in source.columns)
    found: list[tuple[int, str]] = []
    for number, row in source.rows():
        frame = source.parsed(number, parse_frame, row["frame"])
        if not row[label]:
            raise source.wrong(number, f"no {label}")
        if found and frame <= found[-1][0]:
            raise source.wrong(number, f"frame {frame} follows {found[-1][0]}; frames must ascend")
        found.append((frame, row[label]))
    return found


def _spans(rows: list[tuple[int, str]]) -> list[LabelledSpan]:
    steps = {after - before for (before, _), (after, _) in pairwise(rows)}
    if len(rows) >= _DENSE and steps == {1}:
        return spans_of_frames(rows)
    before = [None, *(label for _, label in rows)]
    starts = [row for row, label in zip(rows, before, strict=False) if row[1] != label]
    ends: list[int | None] = [frame for frame, _ in starts[1:]]
    return [
        LabelledSpan(frame, end, label)
        for (frame, label), end in zip(starts, [*ends, None], strict=False)
    ]
