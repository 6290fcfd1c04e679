"""Makes lists from an annotation: finds the videos, and tells which segments can't stay."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.lists.annotations.annotation import (
    AnnotatedVideo,
    Annotation,
    LabelledSpan,
    ReadOptions,
)
from lrcn_data.lists.annotations.formats import read_annotation
from lrcn_data.lists.labelled_list import is_labelled_list, read_labelled_list, sorted_classes
from lrcn_data.lists.made_lists import ListedTimes, ListedVideo, MadeLists
from lrcn_data.lists.segment_entries import negative_class_warnings
from lrcn_data.lists.time_labels import Segment, TimeLabels
from lrcn_data.lists.videos_by_name import paths_by_name
from lrcn_data.printable import first_few, show
from lrcn_data.storage import locations
from lrcn_data.video.fetched_video import fetched_video
from lrcn_data.video.packet_count import count_packets

_REVERSED = "segments that end before they start"
_EMPTY = "segments that end where they start"
_UNLABELLED = "segments whose label means unlabelled"
_WITHOUT = "videos without a segment"

_NAMES_SHOWN = 5

_LeftOut = dict[str, Counter[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotationOptions:
    """How an annotation is turned into lists.

    Attributes:
        form: The name of its form; None to recognise it.
        labels_from: Which of several columns, tiers or attributes has the labels; None where there
            is one.
        first_frame: The number of a video's first frame, 0 or 1, in forms that don't define it;
            None to find it out.
        fps: The rate at which frames are counted, where that isn't the videos' own; None where it
            is.
        unlabelled: Labels that mean that there is none.

    Raises:
        UsageError: The rate is not positive.
    """

    form: str | None = None
    labels_from: str | None = None
    first_frame: int | None = None
    fps: Fraction | None = None
    unlabelled: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.fps is not None and self.fps <= 0:
            raise UsageError(f"--annotation-fps must be above 0, got {self.fps}")


def read_annotated(
    source: str,
    options: AnnotationOptions,
    *,
    videos: str | None = None,
    present: bool = False,
    pictures: bool = False,
) -> MadeLists:
    """Make the lists of an annotation, divided as it is itself.

    Args:
        source: The path or URL of the annotation: a file, or a folder of them.
        options: How it is read.
        videos: The path or URL of the folder that has the videos, in which their names are looked
            for; None to take names as they are.
        present: Whether videos that aren't there are left out.
        pictures: Whether folders of numbered pictures are videos.

    Raises:
        UsageError: The annotation can't be read; videos are missing, or several fit a name; or an
            option has no meaning for it.
    """
    if options.form is None and is_labelled_list(source):
        if options != AnnotationOptions():
            raise UsageError(
                f"{source} has a label for each video as a whole; leave --labels-from,"
                " --first-frame, --annotation-fps and --unlabelled out"
            )
        return read_labelled_list(source, videos, present=present, pictures=pictures)
    read = ReadOptions(labels_from=options.labels_from, first_frame=options.first_frame)
    annotation = read_annotation(source, options.form, read)
    left_out: _LeftOut = defaultdict(Counter)
    for reason, count in annotation.left_out.items():
        left_out[reason] += Counter({locations.split_location(source)[1]: count} if count else {})
    found = _without_labels(source, annotation.videos, options.unlabelled, left_out)
    if options.fps is not None:
        found = [_in_seconds(source, video, options.fps) for video in found]
    names = {video.name: video.other_names for video in found}
    paths = paths_by_name(names, videos, present=present, pictures=pictures)
    there = [video for video in found if video.name in paths]
    there = [_with_ends(video, paths[video.name], videos) for video in there]
    started = sum(span.start < 0 for video in there for span in video.spans)
    tidy = [_tidy(source, video, left_out) for video in there]
    left_out[_WITHOUT] += Counter({video.name: 1 for video in tidy if not video.spans})
    listed = [_listed(video, paths[video.name]) for video in tidy if video.spans]
    if not listed:
        raise UsageError(f"{source} has no segment of a video that is there")
    classes = _classes(annotation, {label for video in listed for label in video.classes})
    warnings = [*annotation.notes, *negative_class_warnings(classes)]
    if started:
        warnings.append(f"{started} segments start before their videos, and are clipped to 0")
    return MadeLists(
        classes=classes,
        videos=_in_splits(source, listed, tidy),
        absent=len(found) - len(there),
        left_out={reason: dict(counts) for reason, counts in left_out.items() if counts},
        warnings=warnings,
    )


def _without_labels(
    source: str, videos: Sequence[AnnotatedVideo], unlabelled: Sequence[str], left_out: _LeftOut
) -> list[AnnotatedVideo]:
    """The videos without the segments of some labels."""
    known = {span.label for video in videos for span in video.spans}
    for label in unlabelled:
        if label not in known:
            shown = first_few(sorted(map(show, known)), 20)
            raise UsageError(
                f"--unlabelled {show(label)} is no label of {source}, which has {shown}"
            )
        counts = {v.name: sum(span.label == label for span in v.spans) for v in videos}
        left_out[_UNLABELLED][show(label)] = sum(counts.values())
    kept = [[span for span in video.spans if span.label not in unlabelled] for video in videos]
    return [replace(video, spans=spans) for video, spans in zip(videos, kept, strict=True)]


def _in_seconds(source: str, video: AnnotatedVideo, fps: Fraction) -> AnnotatedVideo:
    """A video with its frames as times, by the rate at which they are counted."""
    if video.unit == "seconds":
        raise UsageError(
            f"{source} is in seconds, and --annotation-fps is for frames; leave it out"
        )
    spans = [
        LabelledSpan(
            float(Fraction(span.start) / fps),
            None if span.end is None else float(Fraction(span.end) / fps),
            span.label,
        )
        for span in video.spans
    ]
    return replace(video, spans=spans, unit="seconds", fps=None)


def _with_ends(video: AnnotatedVideo, path: str, videos: str | None) -> AnnotatedVideo:
    """A video whose segments all have an end; the file tells where the last one ends."""
    if all(span.end is not None for span in video.spans):
        return video
    if videos is None or video.unit == "seconds":
        raise UsageError(
            f"the last segment of {show(video.name)} lasts to the end, which the file tells, in"
            " frames of its own; "
            + ("give --videos FOLDER" if videos is None else "leave --annotation-fps out")
        )
    location = locations.join(videos, path)
    try:
        with fetched_video(location) as on_disk:
            frames = count_packets(Path(on_disk))
    except VideoError as error:
        raise UsageError(f"{location}: {error}; the last segment lasts to its end") from error
    spans = [span if span.end is not None else span._replace(end=frames) for span in video.spans]
    return replace(video, spans=spans)


def _tidy(source: str, video: AnnotatedVideo, left_out: _LeftOut) -> AnnotatedVideo:
    """A video with the segments that can be: within the video, and with a length."""
    spans = []
    for span in video.spans:
        assert span.end is not None
        if not (math.isfinite(span.start) and math.isfinite(span.end)):
            raise UsageError(f"{source}: {show(video.name)} has a segment {span.start} {span.end}")
        if not span.label.strip():
            raise UsageError(f"{source}: {show(video.name)} has a segment without a label")
        if span.start > span.end:
            left_out[_REVERSED][show(video.name)] += 1
        elif max(span.start, 0) >= span.end:
            left_out[_EMPTY][show(video.name)] += 1
        else:
            spans.append(span._replace(start=max(span.start, 0), label=span.label.strip()))
    return replace(video, spans=spans)


def _listed(video: AnnotatedVideo, path: str) -> ListedVideo:
    names = sorted({span.label for span in video.spans})
    number = {name: position for position, name in enumerate(names)}
    segments = [Segment(s.start, s.end or 0, number[s.label]) for s in video.spans]
    longest = TimeLabels(tuple(segments), video.unit).longest
    return ListedVideo(
        path=path,
        class_name=names[longest],
        depth=0,
        times=ListedTimes(spans=tuple(video.spans), unit=video.unit, fps=video.fps),
    )


def _classes(annotation: Annotation, used: Collection[str]) -> list[str]:
    """The names of the classes: in the annotation's order, or by number, or by the alphabet."""
    if annotation.classes is not None:
        return [name for name in annotation.classes if name in used]
    return sorted_classes(used)


def _in_splits(
    source: str, listed: Sequence[ListedVideo], videos: Sequence[AnnotatedVideo]
) -> list[ListedVideo]:
    """The videos in the splits that the annotation gives them; in train where it gives none.

    Raises:
        UsageError: Some have a split, and some have none.
    """
    splits = [video.split for video in videos if video.spans]
    if None in splits and any(splits):
        without = next(video.name for video in videos if video.spans and video.split is None)
        raise UsageError(
            f"{source} has videos of splits and others, such as {show(without)}; name the files of"
            " one of them"
        )
    return [
        replace(video, split=split or "train") for video, split in zip(listed, splits, strict=True)
    ]


def undivided(made: MadeLists) -> MadeLists:
    """Lists of a single split, with all videos in train; others as they are."""
    if len({video.split for video in made.videos}) > 1:
        return made
    return replace(made, videos=[replace(video, split="train") for video in made.videos])


def segment_counts(videos: Sequence[ListedVideo]) -> Mapping[str, int]:
    """The number of segments in each split."""
    counts = Counter[str]()
    for video in videos:
        counts[video.split] += len(video.times.spans) if video.times else 0
    return counts
