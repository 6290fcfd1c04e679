"""Which videos of a data set a subset has: by class, list, fraction or number a class.

What is drawn depends on the seed, the split and the names of the groups alone. A group, and so a
video, is taken as a whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lrcn_data.close_names import did_you_mean
from lrcn_data.errors import UsageError
from lrcn_data.format.json_text import readable
from lrcn_data.joining.stored_videos import StoredSet, StoredVideo
from lrcn_data.lists.group_split import added_distance, group_function, seeded_hash
from lrcn_data.lists.list_files import read_list_file
from lrcn_data.lists.made_lists import ListedVideo
from lrcn_data.lists.official_splits import recording_of
from lrcn_data.lists.problems import ListError, ListFile, Problem, located
from lrcn_data.printable import first_few, show
from lrcn_data.splits import SPLITS

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SubsetOptions:
    """What a subset has of a data set.

    Attributes:
        classes: The names of the classes that it has; none for all.
        listed: The path or URL of a list of the videos that it has; None for all.
        fraction: The share of each class's videos, above 0 and up to 1; None for all.
        per_class: The number of videos of each class; None for all.
        whole: The splits of which neither a fraction nor a number is taken, but all.
        group_pattern: A regular expression that finds a video's group, as for `lrcn-data lists`;
            None for the groups of UCF-101 and HMDB51.
        seed: The seed of the choice of groups.

    Raises:
        UsageError: Nothing is chosen, or a value is out of its range.
    """

    classes: Sequence[str] = ()
    listed: str | os.PathLike[str] | None = None
    fraction: float | None = None
    per_class: int | None = None
    whole: Sequence[str] = ()
    group_pattern: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.fraction is not None and self.per_class is not None:
            raise UsageError(
                f"--fraction {self.fraction:g} and --per-class {self.per_class} both say how"
                " many videos of a class are taken; give one of them"
            )
        if not self.is_drawn and not self.classes and self.listed is None:
            raise UsageError(
                "nothing says which videos the subset has; give --classes, --list, --fraction or"
                " --per-class"
            )
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise UsageError(f"--fraction must be above 0 and up to 1, got {self.fraction}")
        if self.per_class is not None and self.per_class < 1:
            raise UsageError(f"--per-class must be at least 1, got {self.per_class}")
        if not self.is_drawn and (self.whole or self.group_pattern is not None):
            option = "--whole" if self.whole else "--group-pattern"
            raise UsageError(f"{option} is for --fraction and --per-class; leave it out")
        for split in self.whole:
            if split not in SPLITS:
                raise UsageError(f"--whole must be one of {', '.join(SPLITS)}, got {split!r}")

    @property
    def is_drawn(self) -> bool:
        """Whether videos are drawn at random."""
        return self.fraction is not None or self.per_class is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The videos of a subset, and what its manifest says of the choice.

    Attributes:
        videos: The videos, in their order in the data set.
        classes: The class names by the class numbers of the subset.
        choice: What was chosen, by name.
    """

    videos: list[StoredVideo]
    classes: list[str]
    choice: Mapping[str, Any]


def choose_videos(stored: StoredSet, options: SubsetOptions) -> Chosen:
    """Choose the videos of a subset.

    Raises:
        UsageError: A class or a listed video is not there, the list can't be read, no video is
            chosen, or the pattern matches none.
    """
    videos, classes, choice = stored.videos, list(stored.data.classes), dict[str, Any]()
    if options.classes:
        classes = _wanted_classes(stored, options.classes)
        videos = _of_classes(stored, classes)
        choice["classes"] = classes
    if options.listed is not None:
        paths = _listed_paths(located(options.listed))
        videos = _of_paths(stored, videos, paths, located(options.listed))
        text = "\n".join(sorted(paths))
        choice["list"] = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    if options.is_drawn:
        videos = _drawn(stored, videos, options)
        choice |= _as_choice(options)
    if not videos:
        raise UsageError(f"{stored} has no video that is chosen; choose others")
    return Chosen(videos=videos, classes=classes, choice=choice)


def _as_choice(options: SubsetOptions) -> dict[str, Any]:
    values = {
        "fraction": options.fraction,
        "per_class": options.per_class,
        "whole": [split for split in SPLITS if split in options.whole],
        "group_pattern": options.group_pattern,
    }
    return {**{name: value for name, value in values.items() if value}, "seed": options.seed}


def _wanted_classes(stored: StoredSet, names: Sequence[str]) -> list[str]:
    """The classes of a subset, in the order that they have in the data set."""
    known = stored.data.classes
    for name in names:
        if name not in known:
            question = did_you_mean(name, known) or "`lrcn-data stats` names its classes"
            raise UsageError(f"{stored} has no class {show(name)}; {question}")
    return [name for name in known if name in {*names}]


def _of_classes(stored: StoredSet, wanted: Collection[str]) -> list[StoredVideo]:
    """The videos that have a wanted class; where a clip has just one, with the clips that have it.

    Where labels are in time, or clips have sets, others of a video may have none that is wanted.
    """
    numbers = {number for number, name in enumerate(stored.data.classes) if name in wanted}
    found = [video for video in stored.videos if numbers.intersection(video.classes)]
    if stored.data.labels_in_time or stored.data.multi_label:
        return found
    return [
        replace(video, clips=tuple(clip for clip in video.clips if numbers & clip.classes))
        for video in found
    ]


def _listed_paths(path: ListFile) -> set[str]:
    """The paths that a list names, as samples have them; its labels say nothing here."""
    problems: list[Problem] = []
    lines = read_list_file(path, None, Path(), problems, multi_label=True)
    if problems:
        raise ListError(problems)
    return {readable(line.path) for line in lines}


def _of_paths(
    stored: StoredSet, videos: Sequence[StoredVideo], paths: set[str], listed: ListFile
) -> list[StoredVideo]:
    """The videos that have one of some paths, each of which must be known to the data set."""
    known = {readable(video.source.path) for video in stored.videos}
    known |= {readable(r.path) for record in stored.records.values() for r in record.rejected}
    unknown = [show(path) for path in sorted(paths - known)]
    if unknown:
        raise UsageError(
            f"{listed} has videos that {stored} doesn't have: {first_few(unknown, _SHOWN)}; write"
            " their paths as the data set has them, in `video` of a sample's json"
        )
    return [video for video in videos if readable(video.source.path) in paths]


def _drawn(
    stored: StoredSet, videos: Sequence[StoredVideo], options: SubsetOptions
) -> list[StoredVideo]:
    """Of each split that isn't kept whole, the groups that are drawn."""
    groups = _groups(stored, videos, options.group_pattern)
    taken: set[tuple[str, str]] = set()
    for split in SPLITS:
        members: dict[str, Counter[int | None]] = defaultdict(Counter)
        for video, group in zip(videos, groups, strict=True):
            if video.split == split:
                members[group].update(video.classes or (None,))
        counts = sum(members.values(), Counter[int | None]())
        wanted = {number: _wanted(count, split, options) for number, count in counts.items()}
        ordered = sorted(members, key=lambda name: seeded_hash(options.seed, split, name))
        drawn = nearest_groups([(name, members[name]) for name in ordered], wanted)
        taken |= {(split, name) for name in drawn}
    return [v for v, group in zip(videos, groups, strict=True) if (v.split, group) in taken]


def _wanted(count: int, split: str, options: SubsetOptions) -> float:
    """How many videos are wanted of a class that has so many in a split."""
    if split in options.whole:
        return count
    if options.fraction is not None:
        return options.fraction * count
    return options.per_class or count


def nearest_groups(
    groups: Sequence[tuple[str, Mapping[Any, int]]], wanted: Mapping[Any, float]
) -> set[str]:
    """Names of groups that together come near the wanted number of videos of each class.

    In the given order those that bring the classes nearer to their numbers; then, of each class
    that has got none, the first.

    Args:
        groups: All groups, each with its number of videos of each class.
        wanted: How many videos of each class should be taken.
    """
    names: set[str] = set()
    taken: Counter[Any] = Counter()
    for name, members in groups:
        if added_distance(members, taken, wanted) < 0:
            names.add(name)
            taken.update(members)
    for name, members in groups:
        if any(not taken[of_class] for of_class in members):
            names.add(name)
            taken.update(members)
    return names


def _groups(stored: StoredSet, videos: Sequence[StoredVideo], pattern: str | None) -> list[str]:
    """The name of each video's group; of one that is in none its path."""
    find = recording_of if pattern is None else group_function(pattern)
    names = stored.data.classes
    listed = [
        ListedVideo(
            path=video.source.path,
            class_name=names[video.classes[0]] if video.classes else "",
            split=video.split,
            depth=video.source.path.count("/"),
        )
        for video in videos
    ]
    found = [find(video) for video in listed]
    if pattern is not None and listed and not any(found):
        raise UsageError(
            f"--group-pattern {pattern!r} matches none of the {len(listed)} names, such as"
            f" {show(listed[0].path_in_class)}; it is searched for in the name of the file, without"
            " the ending"
        )
    return [group or video.path for group, video in zip(found, listed, strict=True)]
