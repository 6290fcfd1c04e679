"""What an annotation says: which videos have which labels from when to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lrcn_data.lists.annotations.source import Source
from lrcn_data.lists.time_labels import Unit


class LabelledSpan(NamedTuple):
    """A part of a video that has a label.

    Attributes:
        start: Where it starts: seconds, or a number of a frame, counted from 0.
        end: The first moment, or frame, that is no longer in it; None where it is the video's end.
        label: The text of its label.
    """

    start: float
    end: float | None
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatedVideo:
    """A video as an annotation names it.

    Attributes:
        name: Its name: a path, or a name without an ending.
        spans: Its labels.
        unit: What they are counted in.
        split: `train`, `val` or `test`; None if the annotation doesn't say.
        fps: The number of frames a second that the annotation says it has; None if it doesn't say.
        other_names: What its file may be called else.
    """

    name: str
    spans: Sequence[LabelledSpan]
    unit: Unit
    split: str | None = None
    fps: float | None = None
    other_names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """All that an annotation says.

    Attributes:
        videos: The videos, each once.
        classes: The names of the classes in the annotation's own order; None where it has none.
        left_out: How many of its parts say nothing of a class in time, by what they are.
        notes: What one should know of how it was read, each as a sentence.
    """

    videos: Sequence[AnnotatedVideo]
    classes: Sequence[str] | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """What an annotation doesn't say itself.

    Attributes:
        labels_from: Which column, tier or attribute has the labels, where there are several; None
            where there is one.
        first_frame: The number of a video's first frame, 0 or 1, in forms that don't define it;
            None to find it out.
    """

    labels_from: str | None = None
    first_frame: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A form of annotations.

    Attributes:
        what: What it is, in words.
        recognises: Whether a file has this form, told by its first lines or its structure.
        read: Reads the files of a source that have it.
        a_file_a_video: Whether a folder has a file for each video, so that none is to be passed
            over.
    """

    what: str
    recognises: Callable[[Source], bool]
    read: Callable[[Sequence[Source], ReadOptions], Annotation]
    a_file_a_video: bool = False
