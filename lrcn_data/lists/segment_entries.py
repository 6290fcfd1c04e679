"""Lists of segments: the rows of a video, wherever they stand in its list, become one entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from lrcn_data.lists.entry import Entry
from lrcn_data.lists.labels import LabelTable
from lrcn_data.lists.lines import ListLine
from lrcn_data.lists.names_on_disk import normal_path
from lrcn_data.lists.problems import ListFile, Problem
from lrcn_data.lists.time_labels import UNLABELLED, Segment, TimeLabels
from lrcn_data.printable import first_few, show

_SHOWN = 5


def find_unlike(
    lines: Mapping[str, Sequence[ListLine]], files: Mapping[str, ListFile]
) -> Iterator[Problem]:
    """Find lists of whole videos beside lists of segments.

    Args:
        lines: The lines of each split.
        files: The list of each split.
    """
    of_segments = [split for split, found in lines.items() if found and found[0].span]
    for split, found in lines.items():
        if of_segments and found and found[0].span is None:
            other = show(str(files[of_segments[0]]))
            text = f"this list has whole videos, and {other} has segments; give all lists segments"
            yield Problem(kind="whole videos", file=files[split], line=0, text=text)


def without_empty(
    lines: Mapping[str, Sequence[ListLine]],
) -> tuple[dict[str, list[ListLine]], list[str]]:
    """Leave out segments that end where they start, and say so.

    Args:
        lines: The lines of each split, all of them segments.

    Returns:
        The other lines; and how many were left out, as sentences.
    """
    left: dict[str, list[ListLine]] = {}
    warnings = []
    for split, found in lines.items():
        left[split] = [line for line in found if line.span and line.span.start < line.span.end]
        empty = len(found) - len(left[split])
        if not empty:
            continue
        others = {line.path for line in left[split]}
        lost = [show(path) for path in sorted({line.path for line in found} - others)]
        warnings.append(
            f"{empty} segments of the {split} list end where they start and are left out"
            + (
                f", and with them videos that have no others: {first_few(lost, _SHOWN)}"
                * bool(lost)
            )
        )
    return left, warnings


def entries_with_times(
    lines: Mapping[str, Sequence[ListLine]], table: LabelTable, files: Mapping[str, ListFile]
) -> tuple[list[Entry], list[Problem]]:
    """One entry for each video of each list, with all its segments.

    Args:
        lines: The lines of each split, all of them segments.
        table: What the labels mean.
        files: The list of each split.

    Returns:
        The entries; and as problems the lines that give a video another rate than one before.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for split, members in lines.items():
        videos: dict[str, list[ListLine]] = {}
        for line in members:
            videos.setdefault(normal_path(line.path), []).append(line)
        for found in videos.values():
            times, odd = _time_labels(found, table)
            entries.append(Entry(found[0].path, times.longest, split, found[0].line, times))
            if odd is not None and odd.span is not None:
                text = (
                    f"{show(odd.path)} has fps {odd.span.fps:g} here and {times.fps:g} in a row"
                    " before; a video has one rate"
                )
                problems.append(Problem(kind="fps", file=files[split], line=odd.line, text=text))
    return entries, problems


def _time_labels(
    lines: Sequence[ListLine], table: LabelTable
) -> tuple[TimeLabels, ListLine | None]:
    """The labels in time that a video's lines give, and the first line with another rate."""
    fps: float | None = None
    odd: ListLine | None = None
    segments = []
    for line in lines:
        span = line.span
        assert span is not None
        number = table.class_of(line)
        segments.append(Segment(span.start, span.end, UNLABELLED if number is None else number))
        if span.fps is not None:
            fps = fps or span.fps
            odd = odd or (line if span.fps != fps else None)
    assert lines[0].span is not None
    return TimeLabels(segments=tuple(segments), unit=lines[0].span.unit, fps=fps), odd


def segment_warnings(entries: Sequence[Entry]) -> Iterator[str]:
    """Say in how many videos segments of different classes overlap, and by how much."""
    amount: dict[str, float] = {}
    videos = 0
    for entry in entries:
        if entry.times is not None and (overlap := entry.times.overlap) > 0:
            videos += 1
            unit = entry.times.unit
            amount[unit] = amount.get(unit, 0) + overlap
    if videos:
        how_much = " and ".join(f"{round(total, 3):,g} {unit}" for unit, total in amount.items())
        yield (
            f"segments of different classes overlap in {videos} of {len(entries)} videos, by"
            f" {how_much}; a frame there has the class of the segment that starts last"
        )


def inclusive_end_warnings(entries: Sequence[Entry]) -> Iterator[str]:
    """Say that segments leave single frames between them, as where ends are counted in."""
    gaps = Counter[float]()
    for entry in entries:
        if entry.times is not None and entry.times.unit == "frames":
            ordered = sorted(entry.times.segments)
            gaps.update(after.start - before.end for before, after in pairwise(ordered))
    if gaps[1] and not gaps[0] and 2 * gaps[1] >= gaps.total():
        yield (
            f"{gaps[1]} segments start a frame behind the end of the one before, and none where it"
            " ends: end_frame is the first frame that is no longer in the segment; add 1 to it if"
            " it is meant as the last one in it"
        )


def negative_class_warnings(names: Sequence[str]) -> Iterator[str]:
    """Say which classes are named by a negative number, which often means that there is none."""
    for name in names:
        if name.startswith("-") and name[1:].isdigit():
            yield (
                f"the class {name} is taken as a class like any other; leave its lines out if it"
                " means unlabelled"
            )
