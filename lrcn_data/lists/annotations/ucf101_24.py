"""UCF101-24's action tubes as a table: `video,label,num_frames,start_frame,end_frame`.

Frames count from 1, and the last one is in the segment, as in
https://github.com/gurkirt/corrected-UCF101-Annots (`finalAnnots.mat`: sf, ef). Some segments end a
frame behind the video's last one; sharding clips them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.source import Source, grouped
from lrcn_data.lists.spans import parse_frame

_COLUMNS = {"video", "label", "num_frames", "start_frame", "end_frame"}


def recognises(source: Source) -> bool:
    """Whether it has just these columns."""
    return set(source.columns) == _COLUMNS


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read tables.

    Raises:
        UsageError: A frame is 0 or no number.
    """
    found = grouped(row for source in sources for row in _rows(source))
    return Annotation(
        videos=[
            AnnotatedVideo(name=name, spans=spans, unit="frames") for name, spans in found.items()
        ]
    )


def _rows(source: Source) -> Iterator[tuple[str, LabelledSpan]]:
    for number, row in source.rows():
        first = source.parsed(number, parse_frame, row["start_frame"])
        last = source.parsed(number, parse_frame, row["end_frame"])
        if first == 0:
            raise source.wrong(number, "frame 0, and frames count from 1 in this form")
        yield row["video"], LabelledSpan(first - 1, last, row["label"])
