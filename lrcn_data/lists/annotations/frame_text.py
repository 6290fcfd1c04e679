"""A text file a video with one label a line, for each frame in their order.

The form in which MS-TCN publishes 50 Salads, GTEA and Breakfast (`groundTruth/`):
https://github.com/yabufarha/ms-tcn
"""

from __future__ import annotations

from collections.abc import Sequence

from lrcn_data.lists.annotations.annotation import AnnotatedVideo, Annotation, ReadOptions
from lrcn_data.lists.annotations.frames import spans_of_frames
from lrcn_data.lists.annotations.source import Source


def recognises(source: Source) -> bool:
    """Whether lines are single words of which most follow an equal one; names of classes don't."""
    if source.path.suffix.casefold() != ".txt" or not source.is_text:
        return False
    labels = [line for _, line in source.lines]
    words = all(len(label.split()) == 1 and "," not in label for label in labels)
    return words and len(labels) >= 2 * len(set(labels))


def read(sources: Sequence[Source], options: ReadOptions) -> Annotation:
    """Read files of one video each.

    Raises:
        UsageError: A line between others is blank, so that frames would be counted wrongly.
    """
    videos = []
    for source in sources:
        for position, (number, _) in enumerate(source.lines, 1):
            if number != position:
                why = f"line {position} is blank, and a line is a frame; give it a label"
                raise source.wrong(position, why)
        labels = ((number - 1, label) for number, label in source.lines)
        name = source.path.stem
        videos.append(AnnotatedVideo(name=name, spans=spans_of_frames(labels), unit="frames"))
    return Annotation(videos=videos)
