"""Lists that were made of folders, an official split or an annotation, and are not yet written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from lrcn_data.lists.annotations.annotation import LabelledSpan
from lrcn_data.lists.time_labels import Unit


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedTimes:
    """The segments of a video that will stand in a list.

    Attributes:
        spans: All of them, with an end each.
        unit: What they are counted in.
        fps: The number of frames a second that the annotation says the video has, or None.
    """

    spans: tuple[LabelledSpan, ...]
    unit: Unit
    fps: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedVideo:
    """A video that will stand in a list.

    Attributes:
        path: Path of the video, relative to the folder that holds all videos.
        class_name: Name of its class; of one with labels in time the class that it has longest.
        split: `train`, `val` or `test`.
        depth: How many folders of the path lead to the folder of the class, with that itself.
        times: Its labels in time; None if it has its class as a whole.
    """

    path: str
    class_name: str
    split: str = "train"
    depth: int = 1
    times: ListedTimes | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes that it has, each once."""
        if self.times is None:
            return (self.class_name,)
        return tuple(sorted({span.label for span in self.times.spans}))

    @property
    def path_in_class(self) -> str:
        """Path of the video, relative to the folder of its class."""
        return self.path.split("/", self.depth)[-1]

    def of_class(self, name: str) -> Self:
        """The same video with another name of its class."""
        return replace(self, class_name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupCounts:
    """What --group-pattern found.

    Attributes:
        names: How many names it was searched in.
        matched: How many of them it matched.
        groups: How many groups these make.
    """

    names: int
    matched: int
    groups: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeLists:
    """The lists of a data set, not yet written.

    Attributes:
        classes: Class names in the order of their numbers.
        videos: The videos of all splits.
        absent: How many videos of an official split or an annotation were left out because they are
            not on disk.
        left_out: How many files and folders of the class folders were left out, by the reason and
            by the endings of the names, or by the paths of links and folders; or how many parts of
            an annotation, by the reason and by the videos.
        groups: What --group-pattern found; None where none was given.
        warnings: What is unusual about the lists but allowed, each as a sentence.
        from_folders: Whether the lists were made from class folders, not from an official split.
    """

    classes: list[str]
    videos: list[ListedVideo]
    absent: int = 0
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    groups: GroupCounts | None = None
    warnings: list[str] = field(default_factory=list)
    from_folders: bool = False

    @property
    def in_time(self) -> bool:
        """Whether the videos have labels in time."""
        return any(video.times is not None for video in self.videos)

    @property
    def ignored(self) -> int:
        """How many files and folders were left out, for all reasons together."""
        return sum(sum(counts.values()) for counts in self.left_out.values())

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of videos that have each class, in all splits together."""
        counts = dict.fromkeys(self.classes, 0)
        for video in self.videos:
            for name in video.classes:
                counts[name] += 1
        return counts

    def count(self, split: str) -> int:
        """The number of videos in a split."""
        return sum(video.split == split for video in self.videos)
