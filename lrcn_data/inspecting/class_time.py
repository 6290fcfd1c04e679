"""How long videos have each class, or none, by stored clips with labels in time."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from lrcn_data.format.records import NO_CLASS, SampleRecord
from lrcn_data.splits import SPLITS

Frames = dict[int, int]
"""The class number of each frame of a video that clips have, by its position in the fps stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassTime:
    """How long videos have a class, or none; each frame counts once, however many clips have it.

    Attributes:
        name: Name of the class; None for the time without any.
        seconds: How long in all, in seconds, by split.
        segments: The number of uninterrupted stretches, by split; none where clips don't have
            consecutive frames.
        shortest: The length of the shortest one of all splits in seconds; None where there is none.
        median: The median of the lengths.
        longest: The length of the longest one.
    """

    name: str | None
    seconds: dict[str, float]
    segments: dict[str, int]
    shortest: float | None
    median: float | None
    longest: float | None


def frames_of(record: SampleRecord, fps: Fraction, *, consecutive: bool) -> Frames:
    """The class number of each real frame of a clip, by its position in the fps stream.

    Args:
        record: The clip's record.
        fps: Frames per second of the fps stream.
        consecutive: Whether clips have consecutive frames. Else positions follow from the frames'
            times, and may be one beside the real ones.
    """
    labels = record.labels[: record.num_valid]
    if consecutive and record.position is not None:
        return dict(enumerate(labels, record.position))
    positions = (round(time * fps) for time in record.frame_times)
    return dict(zip(positions, labels, strict=False))


def class_times(
    videos: Mapping[tuple[str, str, int], Frames],
    classes: Sequence[str],
    fps: Fraction,
    *,
    consecutive: bool,
) -> list[ClassTime]:
    """Sum up how long videos have each class.

    Args:
        videos: The frames of each video, by its split, path and source.
        classes: The class names by class number.
        fps: Frames per second of the fps stream.
        consecutive: Whether clips have consecutive frames, so that stretches can be told.

    Returns:
        A value for each class, by class number, and at last one for the time without any.
    """
    lengths: dict[tuple[int, str], list[int]] = {}
    for (split, *_), frames in videos.items():
        for label, length in _runs(frames):
            lengths.setdefault((label, split), []).append(length)
    splits = [split for split in SPLITS if any(split == video[0] for video in videos)]
    return [
        _class_time(
            name,
            {split: lengths.get((label, split), []) for split in splits},
            fps,
            consecutive=consecutive,
        )
        for label, name in [*enumerate(classes), (NO_CLASS, None)]
    ]


def _class_time(
    name: str | None, lengths: Mapping[str, Sequence[int]], fps: Fraction, *, consecutive: bool
) -> ClassTime:
    ranked = sorted(length for of_split in lengths.values() for length in of_split)
    known = ranked if consecutive else []
    return ClassTime(
        name=name,
        seconds={split: float(sum(of_split) / fps) for split, of_split in lengths.items()},
        segments={split: len(found) for split, found in lengths.items()} if consecutive else {},
        shortest=float(known[0] / fps) if known else None,
        median=float(statistics.median(known) / fps) if known else None,
        longest=float(known[-1] / fps) if known else None,
    )


def _runs(frames: Frames) -> Iterator[tuple[int, int]]:
    """The class and the number of frames of each stretch of a video, in time order."""
    ordered = enumerate(sorted(frames.items()))
    # in a stretch positions rise by one, as their ranks do
    for (label, _), run in groupby(
        ordered, lambda ranked: (ranked[1][1], ranked[1][0] - ranked[0])
    ):
        yield label, sum(1 for _ in run)
