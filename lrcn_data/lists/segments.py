"""Finds lines that name a part of a video, or several labels, where a list has one a line.

`v.mp4 lifting 5.82 16.19` is the segment of a video from 5.82 to 16.19 seconds, no video of a class
"lifting 5.82 16.19". Segments have a table of their own; `spans` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from lrcn_data.lists.lines import ListLine, split_at_video
from lrcn_data.lists.spans import SEGMENT_FORM
from lrcn_data.printable import show

_NUMBER = re.compile(r"(?:[0-9]+:){0,2}[0-9]+(?:\.[0-9]+)?")
_SEPARATORS = re.compile(r"[\s,;]+")


def why_no_single_label(line: ListLine) -> str | None:
    """Why what stands behind a line's video can't be one label, or None if it can.

    Args:
        line: A line, with the path and the label as they were split; the label is none of the class
            names that are known.
    """
    if line.label is not None and not _has_space(line.path) and not _has_space(line.label):
        return None  # nearly all lines
    text = line.path if line.label is None else f"{line.path} {line.label}"
    video, rest = split_at_video(text)
    if video is None:
        columns = text.split(",") if line.label is None else []
        return segment_among(columns) or _segment(text.split()[1:], whole_numbers=False)
    words = _SEPARATORS.split(rest) if rest else []
    if len(words) < 2:
        return None
    if all(_NUMBER.fullmatch(word) for word in words):
        return _segment(words, whole_numbers=False) or (
            f"behind {show(video)} stand {len(words)} numbers ({' '.join(words)}), and a line has"
            " one label, or with --multi-label several with commas between them; leave out others,"
            " be they times or numbers of frames"
        )
    return _segment(words, whole_numbers=True)


def _has_space(text: str) -> bool:
    return " " in text or "\t" in text


def segment_among(columns: Sequence[str]) -> str | None:
    """Say which two columns that follow each other are a segment, or None if none are."""
    found = (_segment([*pair], whole_numbers=True) for pair in pairwise(columns))
    return next(filter(None, found), None)


def _segment(words: list[str], *, whole_numbers: bool) -> str | None:
    """Say that words hold a segment, or None if they don't.

    A segment is a start and an end, or a start and a length, at the start or at the end of the
    words: two numbers that rise, or that aren't whole.

    Args:
        words: The words behind the video.
        whole_numbers: Whether two whole numbers that rise are a segment too.
    """
    for start, end in {tuple(words[:2]), tuple(words[-2:])} if len(words) > 1 else ():
        if not (_NUMBER.fullmatch(start) and _NUMBER.fullmatch(end)):
            continue
        are_whole = start.isdigit() and end.isdigit()
        if not are_whole or (whole_numbers and int(start) < int(end)):
            return (
                f"{start} {end} look like the start and the end of a segment, and a line without"
                f" names of columns is a whole video; {SEGMENT_FORM}; if it is part of a class's"
                " name, give --classes FILE"
            )
    return None
