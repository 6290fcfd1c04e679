"""A text file a video with a first and a last frame and a label a line; frames count from 1.

`1-30 SIL` is Breakfast's form (https://serre-lab.clps.brown.edu/resource/breakfast-actions-dataset/,
which says: frames at 15 a second); `1,603,action_start,0` is that of
https://github.com/Matthewkm/50Salads_labels, whose last column is the number of the label.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source

_LINE = re.compile(r"([0-9]+)-([0-9]+)[ \t]+(\S.*)|([0-9]+),([0-9]+),([^,]*[^,\s])(?:,[0-9]+)?")


def recognises(source: Source) -> bool:
    """Whether the first line has the form of all."""
    if source.path.suffix.casefold() not in (".txt", ".csv") or not source.is_text:
        return False
    return bool(source.lines) and bool(_LINE.fullmatch(source.lines[0][1]))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read files of one video each.

    Raises:
        UsageError: A line has another form, or frames don't count from 1.
    """
    return Annotation(
        videos=[
            AnnotatedVideo(
                name=source.path.stem,
                spans=[_span(source, number, line) for number, line in source.lines],
                unit="frames",
            )
            for source in sources
        ]
    )


def _span(source: Source, number: int, line: str) -> LabelledSpan:
    match = _LINE.fullmatch(line)
    if match is None:
        raise source.wrong(number, f"{line!r} is no line such as `1-30 SIL` or `1,30,SIL,0`")
    first, last, label = match[1] or match[4], match[2] or match[5], match[3] or match[6]
    if int(first) == 0:
        raise source.wrong(
            number,
            "frame 0, and frames count from 1 in this form, the last one in the segment; write"
            " video,start_frame,end_frame,label instead, from 0 and with the end no longer in it",
        )
    return LabelledSpan(int(first) - 1, int(last), label)
