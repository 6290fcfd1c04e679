"""Makes lists of videos: of class folders, official splits or annotations, and writes them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.lists.annotated_lists import AnnotationOptions, read_annotated, undivided
from lrcn_data.lists.annotations.formats import is_annotation
from lrcn_data.lists.class_folders import read_class_folders
from lrcn_data.lists.group_split import (
    GroupOf,
    count_groups,
    group_function,
    move_groups,
    shared_groups,
)
from lrcn_data.lists.lines import format_line, parse_classes
from lrcn_data.lists.made_lists import ListedVideo, MadeLists
from lrcn_data.lists.official_splits import read_official, recording_of
from lrcn_data.lists.problems import ListFile, located
from lrcn_data.lists.segment_lines import segment_list
from lrcn_data.lists.similar_names import tell_all_similar
from lrcn_data.one_class import refuse_one_class
from lrcn_data.printable import show
from lrcn_data.splits import SPLITS
from lrcn_data.storage import remote_files
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.locations import is_file, is_url, normal_location

CLASS_FILE = "classes.txt"


def make_lists(
    source: str | os.PathLike[str],
    *,
    official_split: int | None = None,
    videos: str | os.PathLike[str] | None = None,
    present: bool = False,
    test_fraction: float | None = None,
    val_fraction: float | None = None,
    group_pattern: str | None = None,
    seed: int = 0,
    pictures: bool = False,
    allow_one_class: bool = False,
    annotation: AnnotationOptions | None = None,
) -> MadeLists:
    """Make the lists of a data set; `write_lists` writes them.

    Args:
        source: The path or URL of a folder of class folders with videos, or of train, val and test
            folders with class folders; of the folder of an official split: that of UCF-101 or
            HMDB51; or of an annotation of segments, a file or a folder of files.
        official_split: Which official split to read: 1, 2 or 3. None stands for the first.
        videos: The path or URL of the folder that holds the videos of an official split or an
            annotation. None if it is not looked at.
        present: Whether videos that are not in that folder are left out.
        test_fraction: The share of each class's videos that goes into the test list. None stands
            for no test list of our own; class folders without splits need this or `val_fraction`.
        val_fraction: The share of each class's videos, or of each class's official training
            videos, that goes into the validation list. None stands for no validation list.
        group_pattern: Regular expression that finds what the videos of one group have in common in
            their paths below the class's folder. None stands for the naming of UCF-101 and HMDB51.
        seed: Seed of the random choice of groups.
        pictures: Whether folders of numbered pictures in class folders are videos.
        allow_one_class: Whether all videos may be of a single class.
        annotation: How an annotation is read. None stands for no such options.

    Raises:
        UsageError: The source holds no videos, they are of one class, `group_pattern` matches no
            name, or a value has no meaning for the source.
    """
    source, folder = normal_location(source), None if videos is None else normal_location(videos)
    group = group_function(group_pattern) if group_pattern else recording_of
    fractions: dict[str, float | None] = {"test": test_fraction, "val": val_fraction}
    is_annotated = is_meant_as_annotation(source, annotation)
    official = None if is_annotated else read_official(source, official_split or 1)
    if is_annotated:
        if official_split:
            raise UsageError(f"{source} is no official split; leave --split out")
        options = annotation or AnnotationOptions()
        made = read_annotated(source, options, videos=folder, present=present, pictures=pictures)
        made, fractions = _divided(made, fractions)
    elif official:
        _refuse_own_test_list(source, test_fraction)
        made = _present_ones(official, folder) if present else official
    else:
        if official_split or videos or present:
            raise UsageError(
                f"{source} is no official split; leave --split, --videos and --present out"
            )
        made = read_class_folders(source, pictures=pictures, allow_one_class=allow_one_class)
        made, fractions = _without_fractions_of_folders(made, fractions)
    with_videos = {name for video in made.videos for name in video.classes}
    refuse_one_class(with_videos, source=source, allowed=allow_one_class)
    if group_pattern:
        counts = count_groups(made.videos, group, pattern=group_pattern)
        made = replace(made, groups=counts)
    made = _move(made, fractions, group=group, seed=seed)
    return replace(made, warnings=[*made.warnings, *_warnings(made, group)])


def is_meant_as_annotation(source: str, annotation: AnnotationOptions | None) -> bool:
    """Whether a source is to be read as an annotation.

    Raises:
        UsageError: It is none, and options for annotations are given.
    """
    if annotation is not None and annotation.form is not None:
        return True
    found = is_file(source) or (not read_official(source, 1) and is_annotation(source))
    if not found and annotation not in (None, AnnotationOptions()):
        raise UsageError(
            f"{source} is no annotation by its files; name its form with --format, or leave"
            " --labels-from, --first-frame, --annotation-fps and --unlabelled out"
        )
    return found


def count_classes(videos: Iterable[ListedVideo]) -> Counter[str]:
    """The number of videos that have each class."""
    return Counter(name for video in videos for name in video.classes)


def _divided(
    made: MadeLists, fractions: Mapping[str, float | None]
) -> tuple[MadeLists, dict[str, float | None]]:
    """An annotation's videos, as one list where they are to be divided and are not yet.

    Leaves out, with a warning, fractions for splits that the annotation has itself.
    """
    given = {split: fraction for split, fraction in fractions.items() if fraction is not None}
    made = undivided(made) if given else made
    warnings = [
        f"--{split}-fraction is not used: the annotation says which videos are {split} videos"
        for split in given
        if made.count(split)
    ]
    if not given and made.count("train") == len(made.videos):
        warnings.append(
            "all videos are in the train list; --test-fraction, --val-fraction or --folds divide"
            " them"
        )
    left = {split: fraction for split, fraction in fractions.items() if not made.count(split)}
    return replace(made, warnings=[*made.warnings, *warnings]), left


def _move(
    made: MadeLists, fractions: Mapping[str, float | None], *, group: GroupOf, seed: int
) -> MadeLists:
    """Move the wanted share of each class's training videos to the other splits."""
    counts = count_classes(video for video in made.videos if video.split == "train")
    for split, fraction in fractions.items():
        made = move_groups(made, split, fraction or 0, group=group, seed=seed, class_counts=counts)
    return made


def _refuse_own_test_list(source: str, test_fraction: float | None) -> None:
    if test_fraction is not None:
        raise UsageError(
            f"{source} is an official split, with a test list of its own; leave --test-fraction out"
        )


def _without_fractions_of_folders(
    made: MadeLists, fractions: Mapping[str, float | None]
) -> tuple[MadeLists, dict[str, float | None]]:
    """Leave out, with a warning, fractions for splits that have a folder of their own.

    Raises:
        UsageError: There is neither a folder nor a fraction for any split but the training's.
    """
    given = [split for split, fraction in fractions.items() if fraction is not None]
    in_folders = [split for split in fractions if made.count(split)]
    if not given and not in_folders:
        raise UsageError(
            "class folders don't say what to test on; give --test-fraction 0.2 (or 0 to train"
            " on all), and --val-fraction if wanted"
        )
    unused = [split for split in given if split in in_folders]
    warnings = [
        f"--{split}-fraction is not used: the {split} videos have a folder of their own"
        for split in unused
    ]
    left = {split: None if split in unused else value for split, value in fractions.items()}
    return replace(made, warnings=[*made.warnings, *warnings]), left


def _warnings(made: MadeLists, group: GroupOf) -> Iterator[str]:
    """What is unusual about made lists, each as a sentence."""
    trained = set(count_classes(video for video in made.videos if video.split == "train"))
    untrained = [name for name in made.classes if name not in trained]
    if trained and untrained:
        yield f"{len(untrained)} classes have no train video, such as {show(untrained[0])}"
    yield from tell_all_similar(made.classes, (video.path for video in made.videos))
    # who divided official lists knew their recordings
    if (made.from_folders or made.groups) and (shared := shared_groups(made.videos, group)):
        yield (
            f"{len(shared)} groups have videos in several splits, such as {show(shared[0])}; what"
            " is trained on should share none with what is tested on"
        )


def _present_ones(official: MadeLists, videos: str | None) -> MadeLists:
    if videos is None:
        raise UsageError("--present needs --videos FOLDER, to see which videos are there")
    return keep_present(official, videos)


def keep_present(made: MadeLists, videos: str) -> MadeLists:
    """Leave out videos that are not there, and classes that have no video left.

    Args:
        made: The lists.
        videos: The path or URL of the folder that the paths in the lists are relative to.

    Raises:
        UsageError: None of the videos is there.
    """
    present = _present(made, videos)
    if not present:
        raise UsageError(
            f"{videos} has none of the {len(made.videos)} videos, such as {made.videos[0].path};"
            " give the folder that holds the class folders as --videos"
        )
    used = {video.class_name for video in present}
    splits = {video.split for video in present}
    gone = dict.fromkeys(video.split for video in made.videos if video.split not in splits)
    return MadeLists(
        classes=[name for name in made.classes if name in used],
        videos=present,
        absent=len(made.videos) - len(present),
        warnings=[
            f"no video of the official {split} list is there, so there is no {split}.txt"
            for split in gone
        ],
    )


def count_absent(made: MadeLists, videos: str) -> int:
    """The number of listed videos that are not in the folder `videos`, a path or URL."""
    return len(made.videos) - len(_present(made, videos))


def _present(made: MadeLists, videos: str) -> list[ListedVideo]:
    if is_url(videos):
        there = remote_files.find(videos)
        return [video for video in made.videos if video.path in there]
    return [video for video in made.videos if Path(videos, video.path).is_file()]


def write_lists(
    made: MadeLists, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> list[ListFile]:
    """Write classes.txt, and those of train.txt, val.txt and test.txt that have videos.

    Lists of labels in time are CSV: train.csv, val.csv and test.csv.

    Args:
        made: The lists.
        folder: The path or URL of the folder to write them into; it is made if it doesn't exist.
        overwrite: Whether lists that are there already are replaced. A list that the new ones
            don't have is then removed.

    Returns:
        The files written.

    Raises:
        UsageError: The folder has lists already, or a name can't stand in a list.
    """
    target = Folder(folder)
    texts = {list_name(made, split): _list_text(made, split) for split in SPLITS}
    texts[CLASS_FILE] = _class_text(made.classes)
    there = sorted(texts.keys() & set(target.names()), key=list(texts).index)
    if there and not overwrite:
        raise UsageError(
            f"{target} has {', '.join(there)} already; name another folder with --out, or give"
            " --overwrite"
        )
    target.make()
    for name in there:
        target.delete(name)
    written = {name: text for name, text in texts.items() if text}
    for name, text in written.items():
        target.write(name, text.encode("utf-8", "surrogateescape"))
    return [located(target.at(name)) for name in written]


def list_name(made: MadeLists, split: str) -> str:
    """The name of the file that a split's list is written into."""
    return f"{split}.csv" if made.in_time else f"{split}.txt"


def _list_text(made: MadeLists, split: str) -> str:
    videos = [video for video in made.videos if video.split == split]
    if made.in_time:
        return segment_list(videos)
    try:
        lines = [format_line(video.path, video.class_name) for video in videos]
    except ValueError as error:
        raise UsageError(f"{error}; rename the file or its folder") from error
    return "".join(f"{line}\n" for line in lines)


def _class_text(names: Collection[str]) -> str:
    text = "".join(f"{name}\n" for name in names)
    if parse_classes(text.encode("utf-8", "surrogateescape")).names != list(names):
        raise UsageError(
            "the class names can't stand in a class file as they are; rename folders, or labels"
        )
    return text
