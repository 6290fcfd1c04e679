"""Makes the lists of a cross-validation of class folders or an annotation, and writes them."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from lrcn_data.errors import UsageError
from lrcn_data.lists.annotated_lists import AnnotationOptions, read_annotated, undivided
from lrcn_data.lists.class_folders import read_class_folders
from lrcn_data.lists.group_folds import divide_groups
from lrcn_data.lists.group_split import (
    count_groups,
    group_function,
    move_groups,
    shared_groups,
)
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.make_lists import (
    CLASS_FILE,
    count_classes,
    is_meant_as_annotation,
    write_lists,
)
from lrcn_data.lists.official_splits import group_across_classes, read_official, recording_of
from lrcn_data.lists.problems import ListFile
from lrcn_data.lists.similar_names import tell_all_similar
from lrcn_data.one_class import refuse_one_class
from lrcn_data.printable import first_few, show
from lrcn_data.splits import SPLITS
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.locations import join, normal_location

_FOLDER = re.compile(r"fold-\d+")

_NAMES_SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeFolds:
    """The lists of a cross-validation, not yet written.

    Attributes:
        undivided: The classes, all videos as if for training, and what was left out.
        folds: The lists of each fold, by the name of its folder: `fold-1` and so on. Every video
            is in the test list of one fold, and is trained on or validated with in all others.
        test_groups: The names of the groups that each fold is tested on, by the same names; None
            where the videos were divided one by one.
        warnings: What is unusual about the folds but allowed, each as a sentence.
    """

    undivided: MadeLists
    folds: Mapping[str, MadeLists]
    test_groups: Mapping[str, Sequence[str]] | None
    warnings: Sequence[str]


def make_folds(
    source: str | os.PathLike[str],
    *,
    folds: int | None = None,
    val_fraction: float | None = None,
    group_pattern: str | None = None,
    seed: int = 0,
    pictures: bool = False,
    allow_one_class: bool = False,
    videos: str | os.PathLike[str] | None = None,
    present: bool = False,
    annotation: AnnotationOptions | None = None,
) -> MadeFolds:
    """Make the lists of a cross-validation; `write_folds` writes them.

    The folds have about equal shares of each class. The videos of a group are tested on in the same
    fold; where no video has a group by its name, they are divided one by one.

    Args:
        source: The path or URL of a folder of class folders with videos, or of an annotation.
        folds: The number of folds, at least 2. None stands for as many as there are groups, so that
            each group is left out of the training once.
        val_fraction: The share of each class's training videos that goes into the validation list
            of a fold, in whole groups. None stands for no validation lists.
        group_pattern: Regular expression that finds what the videos of one group have in common in
            their paths below the class's folder. None stands for the naming of UCF-101 (`g08`) and
            HMDB51 (the film).
        seed: Seed of the random choice of the groups of each fold, and of those validated with,
            which is another choice in every fold.
        pictures: Whether folders of numbered pictures in class folders are videos.
        allow_one_class: Whether all videos may be of a single class.
        videos: The path or URL of the folder that holds the videos of an annotation.
        present: Whether videos that are not in that folder are left out.
        annotation: How an annotation is read; None where the source may be none.

    Raises:
        UsageError: The source holds no videos, has folders of splits or is an official split; the
            videos are of one class; some of them have a group and some have none; there are fewer
            groups than folds; or a value is out of its range.
    """
    if folds is not None and folds < 2:
        raise UsageError(f"--folds must be at least 2, got {folds}")
    folder = None if videos is None else normal_location(videos)
    source = normal_location(source)
    if is_meant_as_annotation(source, annotation):
        made = _read_annotation(source, annotation, folder, present=present, pictures=pictures)
    else:
        if folder or present:
            raise UsageError(
                f"--videos and --present are for annotations, and {source} is none by its files;"
                " leave them out"
            )
        made = _read_undivided(source, pictures=pictures, allow_one_class=allow_one_class)
    refuse_one_class(made.classes, source=source, allowed=allow_one_class)
    found = _find_groups(made.videos, group_pattern)
    if found is None and folds is None:
        raise UsageError(
            "--leave-one-group-out needs groups, and names such as"
            f" {show(made.videos[0].path_in_class)} have none as in UCF-101 or HMDB51; give"
            " --group-pattern REGEX"
        )
    group_of = found or {video.path: video.path for video in made.videos}
    test_groups = _divide(made.videos, group_of, folds, seed=seed, by_video=found is None)
    lists = {
        name: _fold_lists(made, set(groups), group_of, val_fraction or 0, seed=seed + number)
        for number, (name, groups) in enumerate(test_groups.items(), start=1)
    }
    return MadeFolds(
        undivided=made,
        folds=lists,
        test_groups=test_groups if found else None,
        warnings=[*made.warnings, *_warnings(made, lists, by_video=found is None)],
    )


def _read_annotation(
    source: str,
    annotation: AnnotationOptions | None,
    videos: str | None,
    *,
    present: bool,
    pictures: bool,
) -> MadeLists:
    """Read an annotation; refuse one that is divided into splits already."""
    options = annotation or AnnotationOptions()
    made = read_annotated(source, options, videos=videos, present=present, pictures=pictures)
    made = undivided(made)
    if made.count("train") < len(made.videos):
        raise UsageError(
            f"{source} has splits of its own; leave --folds and --leave-one-group-out out, or name"
            " the file of one split"
        )
    return made


def _read_undivided(source: str, *, pictures: bool, allow_one_class: bool) -> MadeLists:
    """List the videos of class folders; refuse what is divided into splits already."""
    if read_official(source, 1):
        raise UsageError(
            f"{source} is an official split, with a test list of its own; name the folder of the"
            " videos to make folds of them"
        )
    made = read_class_folders(source, pictures=pictures, allow_one_class=allow_one_class)
    if made.count("train") < len(made.videos):
        folder = join(source, made.videos[0].path.partition("/")[0])
        raise UsageError(
            f"{source} is divided into folders of splits; name one of them, such as {folder}, to"
            " make folds of its videos"
        )
    return made


def _find_groups(videos: Sequence[ListedVideo], pattern: str | None) -> dict[str, str] | None:
    """The group of each video, by its path; None where no pattern is given and none has a group.

    Raises:
        UsageError: Some videos have no group.
    """
    group = group_function(pattern) if pattern else group_across_classes
    found = {video.path: name for video in videos if (name := group(video)) is not None}
    if pattern:
        count_groups(videos, group, pattern=pattern)
    elif not found:
        return None
    without = [video.path for video in videos if video.path not in found]
    if without:
        rule = f"by --group-pattern '{show(pattern)}'" if pattern else "as in UCF-101 or HMDB51"
        remedy = "a pattern that matches all names" if pattern else "--group-pattern REGEX"
        raise UsageError(
            f"{len(without)} of {len(videos)} videos have no group {rule}, such as"
            f" {show(without[0])}, and folds need one for each; give {remedy}, or move the videos"
            " away"
        )
    return found


def _divide(
    videos: Sequence[ListedVideo],
    group_of: Mapping[str, str],
    folds: int | None,
    *,
    seed: int,
    by_video: bool,
) -> dict[str, list[str]]:
    """The groups that each fold is tested on, by the name of its folder.

    Raises:
        UsageError: There are too few groups.
    """
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for video in videos:
        groups[group_of[video.path]].update(video.classes)
    if len(groups) < (folds or 2):
        option = "--leave-one-group-out" if folds is None else f"--folds {folds}"
        what = "videos" if by_video else "groups"
        names = first_few([show(name) for name in sorted(groups)], _NAMES_SHOWN)
        remedies = [f"--folds {len(groups)} or fewer"] if len(groups) > 1 else []
        remedies += ["more videos"] if by_video else ["a --group-pattern that finds more"]
        raise UsageError(
            f"{option} needs at least {folds or 2} {what}, found {len(groups)} ({names}); give"
            f" {', or '.join(remedies)}"
        )
    if folds is None:
        divided = [[name] for name in sorted(groups)]
    else:
        divided = [sorted(names) for names in divide_groups(groups, folds, seed=seed)]
    digits = len(str(len(divided)))  # so that a shell lists them in their order
    return {f"fold-{number:0{digits}}": names for number, names in enumerate(divided, start=1)}


def _fold_lists(
    made: MadeLists,
    test_groups: Collection[str],
    group_of: Mapping[str, str],
    val_fraction: float,
    *,
    seed: int,
) -> MadeLists:
    """The lists of one fold.

    Raises:
        UsageError: The fraction is out of range, or no group can be spared for validation.
    """
    videos = [
        replace(video, split="test") if group_of[video.path] in test_groups else video
        for video in made.videos
    ]
    return move_groups(
        replace(made, videos=videos),
        "val",
        val_fraction,
        group=lambda video: group_of[video.path],
        seed=seed,
        class_counts=count_classes(video for video in videos if video.split == "train"),
    )


def _warnings(made: MadeLists, folds: Mapping[str, MadeLists], *, by_video: bool) -> Iterator[str]:
    """What is unusual about folds, each as a sentence."""
    if by_video:
        yield (
            "the videos are divided one by one: names don't say which of them belong together, so"
            " those of one recording or person may be in several folds; --group-pattern can say it"
        )
    for split in ("train", "test"):
        without = {
            class_name: folder
            for folder, fold in folds.items()
            for class_name in set(fold.classes) - _classes_of(fold, split)
        }
        if without:
            class_name = min(without)
            yield (
                f"{len(without)} classes have no {split} video in some folds, such as"
                f" {show(class_name)} in {without[class_name]}"
            )
    shared = {name for fold in folds.values() for name in shared_groups(fold.videos, recording_of)}
    if shared:
        yield (
            f"{len(shared)} recordings have videos in several folds, such as {show(min(shared))};"
            " what is trained on should share none with what is tested on"
        )
    yield from tell_all_similar(made.classes, (video.path for video in made.videos))


def _classes_of(made: MadeLists, split: str) -> set[str]:
    return {name for video in made.videos if video.split == split for name in video.classes}


def write_folds(
    made: MadeFolds, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> list[ListFile]:
    """Write the lists and classes.txt of every fold into a folder of its own.

    Args:
        made: The folds.
        folder: The path or URL of the folder to write the folds' folders into; it is made if it
            doesn't exist.
        overwrite: Whether folds that are there already are replaced. Lists of folds that the new
            ones don't have are then removed.

    Returns:
        The files written.

    Raises:
        UsageError: The folder has folds already, or a name can't stand in a list.
    """
    target = Folder(folder)
    there = [name for name in target.names() if _FOLDER.fullmatch(name)]
    if there and not overwrite:
        names = first_few(there, _NAMES_SHOWN)
        raise UsageError(
            f"{target} has {names} already; name another folder with --out, or give --overwrite"
        )
    written = [
        path
        for name, lists in made.folds.items()
        for path in write_lists(lists, target.at(name), overwrite=overwrite)
    ]
    for old in there:
        if old not in made.folds:
            _remove_lists(Folder(target.at(old)))
    return written


def _remove_lists(fold: Folder) -> None:
    """Remove the lists of a fold, and its folder if it holds nothing else."""
    for name in (*(f"{split}.{end}" for split in SPLITS for end in ("txt", "csv")), CLASS_FILE):
        fold.delete(name)
    if fold.is_local:
        with suppress(OSError):
            fold.path.rmdir()
