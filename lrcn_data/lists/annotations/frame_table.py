"""A table with a line for each labelled frame: `sequence,frame,label`.

So UR Fall's labels are published (http://fenix.ur.edu.pl/~mkepski/ds/uf.html): frames count from 1,
a frame without a line is unlabelled, and -1 is a class, `not lying`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lrcn_data.lists.annotations.annotation import AnnotatedVideo, Annotation, ReadOptions
from lrcn_data.lists.annotations.frames import spans_of_frames
from lrcn_data.lists.annotations.source import Source, grouped
from lrcn_data.lists.spans import parse_frame
from lrcn_data.printable import show

_VIDEOS = ("sequence", "video", "video_name", "video_id", "filename", "file", "clip", "path")
_LABELS = ("label", "class", "action", "activity", "phase")


def recognises(source: Source) -> bool:
    """Whether there are three columns: a video, `frame` and a label."""
    return _names(source) is not None


def _names(source: Source) -> tuple[str, str] | None:
    videos = [name for name in _VIDEOS if name in source.columns]
    labels = [name for name in _LABELS if name in source.columns]
    if len(source.header) != 3 or "frame" not in source.columns:
        return None
    return (videos[0], labels[0]) if videos and labels else None


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read tables; a video's lines may stand anywhere.

    Raises:
        UsageError: A frame stands twice, or a field is no number of a frame.
    """
    labels = grouped(row for source in sources for row in _rows(source))
    base, notes = first_frame((f for found in labels.values() for f, _, _ in found), options)
    return Annotation(
        videos=[
            AnnotatedVideo(name=name, spans=spans_of_frames(_in_order(found, base)), unit="frames")
            for name, found in labels.items()
        ],
        notes=notes,
    )


def _rows(source: Source) -> Iterator[tuple[str, tuple[int, str, tuple[Source, int]]]]:
    names = _names(source)
    if names is None:
        raise source.wrong(0, "it must have the columns sequence,frame,label")
    video, label = names
    for number, row in source.rows():
        if not row[video] or not row[label]:
            raise source.wrong(number, f"no {label if row[video] else video}; leave the line out")
        frame = source.parsed(number, parse_frame, row["frame"])
        yield row[video], (frame, row[label], (source, number))


def _in_order(
    found: list[tuple[int, str, tuple[Source, int]]], base: int
) -> Iterator[tuple[int, str]]:
    ordered = sorted(found, key=lambda one: one[0])
    for (before, _, _), (frame, _, (source, number)) in pairwise(ordered):
        if before == frame:
            raise source.wrong(number, f"frame {frame} of its video stands in two lines")
    for frame, label, (source, number) in ordered:
        if frame < base:
            why = f"frame {show(str(frame))}, and --first-frame {base} says that they count from it"
            raise source.wrong(number, why)
        yield frame - base, label


def first_frame(frames: Iterator[int], options: ReadOptions) -> tuple[int, list[str]]:
    """The number of a video's first frame, and what one should know of it.

    Args:
        frames: The numbers of all frames that an annotation names.
        options: Whether the number was given.
    """
    if options.first_frame is not None:
        return options.first_frame, []
    base = 0 if 0 in set(frames) else 1
    why = "since there is a frame 0" if base == 0 else "since none is 0"
    return base, [f"frames are taken to count from {base}, {why}; --first-frame can say otherwise"]
