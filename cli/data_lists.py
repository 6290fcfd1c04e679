"""`lrcn-data lists`: train, val and test lists."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import UsageError
from lrcn_data.lists.annotations.formats import FORMATS
from lrcn_data.printable import first_few, show
from lrcn_data.splits import SPLITS
from lrcn_data.storage.locations import is_file, is_url, join

from .command import Command
from .options import (
    LOCATION,
    SOURCE,
    RateType,
    debug_option,
    json_option,
    one_class_option,
    picture_rate_option,
    seed_option,
)
from .output import print_json, print_next, print_result, warn

if TYPE_CHECKING:
    from lrcn_data.lists.made_lists import MadeLists
    from lrcn_data.lists.make_folds import MadeFolds
    from lrcn_data.lists.problems import ListFile

_FRACTION = click.FloatRange(0, 1, max_open=True)

_CLASSES_SHOWN = 20
_ENDINGS_SHOWN = 10
_GROUPS_SHOWN = 30
_GROUPS_OF_A_FOLD_SHOWN = 10

_NOT_WITH_FOLDS = {"test_fraction": "--test-fraction", "official_split": "--split"}
"""The options that folds leave no meaning to, by the names of their values."""


@click.command(
    cls=Command,
    name="lists",
    short_help="Make train, val and test lists from folders, official splits or annotations.",
    groups={
        "Lists": ("out", "overwrite", "picture_rate", "allow_one_class"),
        "Splits": ("test_fraction", "val_fraction", "group_pattern", "seed"),
        "Cross-validation": ("folds", "leave_one_group_out"),
        "Official splits": ("official_split",),
        "Annotations": (*("form", "labels_from", "first_frame", "annotation_fps", "unlabelled"),),
        "Official splits, annotations and lists": ("videos", "present"),
    },
    examples=(
        "lrcn-data lists my-videos --test-fraction 0.2",
        "lrcn-data lists my-videos-with-train-and-test-folders",
        "lrcn-data lists weizmann --test-fraction 0.2 --group-pattern '^[^_]+'",
        "lrcn-data lists ucfTrainTestlist --videos UCF-101 --val-fraction 0.1",
        "lrcn-data lists UCF-101 --folds 5 --out folds",
        "lrcn-data lists labels.csv --videos videos --test-fraction 0.2",
        "lrcn-data lists annotation.json --videos videos --present",
        "lrcn-data lists segments.csv --videos videos --folds 5 --out folds",
        "lrcn-data lists groundTruth --videos videos --annotation-fps 15 --unlabelled SIL",
        "lrcn-data lists weizmann --group-pattern '^[^_]+' --leave-one-group-out --out folds",
    ),
)
@click.argument("source", metavar="VIDEOS|SPLITS|ANNOTATION|LIST", type=SOURCE)
@click.option(
    "--out",
    type=LOCATION,
    default=".",
    show_default=True,
    help="The folder or URL to write into.",
)
@click.option(
    "--test-fraction",
    type=_FRACTION,
    help="The share of each class's videos that goes into the test list; for class folders that are"
    " not in folders of splits.",
)
@click.option(
    "--val-fraction",
    type=_FRACTION,
    show_default="no validation list",
    help="The share of each class's videos, or of those that a fold doesn't test on, that goes into"
    " the validation list.",
)
@click.option(
    "--group-pattern",
    metavar="REGEX",
    show_default="UCF-101's gNN, HMDB51's film",
    help="A regular expression that finds what videos that belong together have in common in their"
    " paths below the class's folder, as a whole or in its first parenthesis; such videos go into"
    " one split.",
)
@seed_option("The seed of the random choice of the groups that go into each split.")
@click.option(
    "--folds",
    metavar="K",
    type=click.IntRange(2),
    help="Make the lists of a K-fold cross-validation, in folders fold-1, fold-2 and so on: each"
    " video is in one of the test lists. The folds have about equal shares of each class, and whole"
    " groups; of UCF-101 those of a number (g08) are one group in all classes. Where no video has a"
    " group, they are divided one by one.",
)
@click.option(
    "--leave-one-group-out",
    is_flag=True,
    help="Make a fold of every group, such as a person, that is tested on the group and trained on"
    " all others.",
)
@click.option(
    "--split",
    "official_split",
    type=click.IntRange(1, 3),
    show_default="1",
    help="The number of the official split to read.",
)
@click.option(
    "--format",
    "form",
    metavar="NAME",
    show_default="recognised",
    help=f"The form of an annotation: {', '.join(FORMATS)}.",
)
@click.option(
    "--labels-from",
    metavar="NAME",
    help="What has the labels where there are several: verb, noun or verb+noun of EPIC-Kitchens, a"
    " tier of ELAN, an attribute of VIA.",
)
@click.option(
    "--first-frame",
    type=click.IntRange(0, 1),
    show_default="0 if there is one, else 1",
    help="The number of a video's first frame, in tables of frames.",
)
@click.option(
    "--annotation-fps",
    type=RateType(),
    show_default="the videos' own",
    help="The frames per second at which an annotation counts, such as 15 of Breakfast; the lists"
    " are in seconds then.",
)
@click.option(
    "--unlabelled",
    metavar="LABEL",
    multiple=True,
    help="A label that means that there is none; its segments are left out. May be repeated.",
)
@click.option(
    "--videos",
    type=LOCATION,
    help="The folder or URL with the videos of an official split, an annotation or a list. The"
    " names that an annotation or a list has, with or without endings, are looked for in it.",
)
@click.option("--present", is_flag=True, help="Leave out videos that are not under --videos.")
@click.option("--overwrite", is_flag=True, help="Replace lists that are already there.")
@picture_rate_option(
    "List folders of numbered pictures in class folders as videos of this many pictures a second."
)
@one_class_option
@json_option
@debug_option
def command(
    *,
    source: str,
    out: str,
    overwrite: bool,
    picture_rate: Fraction | None,
    folds: int | None,
    leave_one_group_out: bool,
    as_json: bool,
    form: str | None,
    labels_from: str | None,
    first_frame: int | None,
    annotation_fps: Fraction | None,
    unlabelled: tuple[str, ...],
    **values: Any,
) -> None:
    """Make train.txt, val.txt, test.txt and classes.txt.

    The argument, a path or URL, is a folder of class folders with videos; or of train, val and test
    folders that hold the class folders; or the folder of an official split: UCF-101's
    (classInd.txt, trainlist01.txt, testlist01.txt) or HMDB51's (CLASS_test_split1.txt). Links to
    folders are followed, and what is left out is counted.

    Or it is an annotation of segments, a file or a folder of files, which becomes train.csv,
    val.csv and test.csv with the columns video,start,end,label (seconds) or
    video,start_frame,end_frame,label (frames from 0; the end is no longer in it). Or a list of
    videos with a label each, such as a table video,label, which is divided.

    Fractions and folds take whole groups of videos, so that no recording is in two splits.
    """
    from lrcn_data.lists.annotated_lists import AnnotationOptions

    _refuse_own_source(source, out)
    annotation = AnnotationOptions(
        form=form,
        labels_from=labels_from,
        first_frame=first_frame,
        fps=annotation_fps,
        unlabelled=unlabelled,
    )
    values |= {
        "source": source,
        "pictures": picture_rate is not None,
        "annotation": annotation,
    }
    if folds is None and not leave_one_group_out:
        _make_lists(values, out, picture_rate, overwrite=overwrite, as_json=as_json)
        return
    _refuse_with_folds(folds, leave_one_group_out, values)
    values = {name: value for name, value in values.items() if name not in _NOT_WITH_FOLDS}
    _make_folds({"folds": folds, **values}, out, picture_rate, overwrite=overwrite, as_json=as_json)


def _refuse_own_source(source: str, out: str) -> None:
    """Refuse to write a list over the annotation that it is made of."""
    lists = (f"{split}.{ending}" for split in SPLITS for ending in ("csv", "txt"))
    for name in (*lists, "classes.txt"):
        written = join(out, name)
        is_local = not is_url(source) and is_file(source) and os.path.exists(written)  # noqa: PTH110
        if written == source or (is_local and os.path.samefile(source, written)):  # noqa: PTH121
            raise UsageError(f"{source} would be written over; name another folder with --out")


def _make_lists(
    values: Mapping[str, Any],
    out: str,
    picture_rate: Fraction | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from lrcn_data.lists.annotated_lists import segment_counts
    from lrcn_data.lists.make_lists import count_absent, list_name, make_lists, write_lists

    made = make_lists(**values)
    written = write_lists(made, out, overwrite=overwrite)
    counts = {split: made.count(split) for split in SPLITS}
    segments = segment_counts(made.videos)
    files = {split: join(out, list_name(made, split)) for split, count in counts.items() if count}
    if as_json:
        print_json(
            {
                **_found(made, written),
                "videos": counts,
                "absent": made.absent,
                "groups": asdict(made.groups) if made.groups else None,
                **({"segments": segments} if made.in_time else {}),
            }
        )
    else:
        _show(made, {files[split]: (counts[split], segments.get(split, 0)) for split in files}, out)
    for sentence in (*made.warnings, *_told_of_left_out(made)):
        warn(sentence)
    videos = values["videos"]
    if (
        videos
        and not values["present"]
        and not made.in_time
        and (absent := count_absent(made, videos))
    ):
        warn(
            f"{absent} of {len(made.videos)} videos are not under {videos}; --present leaves them"
            " out"
        )
    if not as_json:
        root = videos or (values["source"] if made.from_folders else None)
        named = files if made.in_time or out != "." else {}
        print_next(_next_command(out, root, named, picture_rate))


def _found(made: MadeLists, written: Sequence[ListFile]) -> dict[str, Any]:
    """What --json has of lists and of folds alike."""
    return {
        "files": [str(path) for path in written],
        "classes": len(made.classes),
        "class_counts": made.class_counts,
        "ignored": made.ignored,
        "left_out": made.left_out,
    }


def _show(made: MadeLists, counts: Mapping[str, tuple[int, int]], out: str) -> None:
    for path, (videos, segments) in counts.items():
        in_time = f", {segments:,} segments" if made.in_time else ""
        print_result(f"{path}: {videos:,} videos{in_time}")
    print_result(f"{join(out, 'classes.txt')}: {len(made.classes)} classes: {_class_counts(made)}")
    if made.groups:
        groups = made.groups
        print_result(
            f"--group-pattern: matches {groups.matched:,} of {groups.names:,} names, in"
            f" {groups.groups:,} groups"
        )
    if made.absent:
        print_result(f"left out: {made.absent:,} videos that are not there")


def _class_counts(made: MadeLists) -> str:
    """The classes with their numbers of videos; of many, those with the fewest and the most."""
    counts = made.class_counts
    if len(counts) <= _CLASSES_SHOWN:
        return ", ".join(f"{show(name)} {count:,}" for name, count in counts.items())
    names = list(counts)[: _CLASSES_SHOWN // 2]
    shown = ", ".join(f"{show(name)} {counts[name]:,}" for name in names)
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    return (
        f"{shown} and {len(counts) - len(names)} more, from {show(least)} {counts[least]:,} to"
        f" {show(most)} {counts[most]:,}"
    )


def _told_of_left_out(made: MadeLists) -> Iterator[str]:
    """What was left out, a sentence for each reason."""
    for reason, counts in made.left_out.items():
        shown = [f"{show(what)} {count:,}" for what, count in list(counts.items())[:_ENDINGS_SHOWN]]
        shown += [f"{len(counts) - _ENDINGS_SHOWN} more"] * (len(counts) > _ENDINGS_SHOWN)
        yield f"left out: {sum(counts.values()):,} {reason} ({', '.join(shown)})"
    if made.groups and (unmatched := made.groups.names - made.groups.matched):
        yield (
            f"--group-pattern doesn't match {unmatched:,} of {made.groups.names:,} names; each of"
            " these videos is a group by itself"
        )


def _next_command(
    out: str, root: str | None, files: Mapping[str, str], picture_rate: Fraction | None
) -> str:
    """The command that makes shards of these lists; of those that it finds itself names none."""
    in_time = any(path.endswith(".csv") for path in files.values())
    words = _shard_words(root, picture_rate, in_time=in_time)
    words += ["--classes", join(out, "classes.txt")]
    for split, path in files.items():
        words += [f"--{split}", path]
    return shlex.join(words)


def _shard_words(root: str | None, picture_rate: Fraction | None, *, in_time: bool) -> list[str]:
    """The beginning of a command that makes shards, with all but the lists."""
    words = ["lrcn-data", "shard", "--fps", "5", "--seq-len", "32" if in_time else "8"]
    words += ["--root", root or "FOLDER-OF-THE-VIDEOS"]
    if picture_rate is not None:
        words += ["--picture-rate", str(picture_rate)]
    return words


def _refuse_with_folds(
    folds: int | None, leave_one_group_out: bool, values: Mapping[str, Any]
) -> None:
    option = "--leave-one-group-out" if folds is None else "--folds"
    if leave_one_group_out and folds is not None:
        raise UsageError(
            "--leave-one-group-out makes as many folds as there are groups; leave --folds out, or"
            " give it alone"
        )
    for name, other in _NOT_WITH_FOLDS.items():
        if values[name] is not None and values[name] is not False:
            raise UsageError(
                f"{other} doesn't go with {option}, which divides the videos of class folders and"
                " gives each fold a test list; leave it out"
            )


def _make_folds(
    values: Mapping[str, Any],
    out: str,
    picture_rate: Fraction | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    from lrcn_data.lists.make_folds import make_folds, write_folds

    made = make_folds(**values)
    written = write_folds(made, out, overwrite=overwrite)
    if as_json:
        print_json({**_found(made.undivided, written), "folds": list(_fold_records(made, out))})
    else:
        _show_folds(made, out, pattern=values["group_pattern"])
    for sentence in (*made.warnings, *_told_of_left_out(made.undivided)):
        warn(sentence)
    if not as_json:
        validated = any(fold.count("val") for fold in made.folds.values())
        if not validated:
            print_result("each video is in one test list: shards of the test lists serve all folds")
        root = values["source"] if made.undivided.from_folders else values["videos"]
        ending = "csv" if made.undivided.in_time else "txt"
        loop = _next_loop(made, out, root, picture_rate, validated=validated, ending=ending)
        print_next(loop)


def _fold_records(made: MadeFolds, out: str) -> Iterator[dict[str, Any]]:
    for name, fold in made.folds.items():
        yield {
            "folder": join(out, name),
            "videos": {split: fold.count(split) for split in SPLITS},
            "test_groups": made.test_groups[name] if made.test_groups else None,
        }


def _show_folds(made: MadeFolds, out: str, *, pattern: str | None) -> None:
    groups = made.test_groups
    if groups:
        names = [show(name) for names in groups.values() for name in names]
        rule = "--group-pattern" if pattern else "the names of UCF-101 and HMDB51"
        shown = first_few(sorted(names), _GROUPS_SHOWN)
        print_result(f"{len(names):,} groups, by {rule}: {shown}")
    for name, fold in made.folds.items():
        counts = ", ".join(
            f"{fold.count(split):,} {split}" for split in SPLITS if fold.count(split)
        )
        tested = [show(group) for group in groups[name]] if groups else []
        on = f"; tested on {first_few(tested, _GROUPS_OF_A_FOLD_SHOWN)}" if tested else ""
        print_result(f"{join(out, name)}: {counts} videos{on}")
    classes = made.undivided.classes
    print_result(f"{len(classes)} classes: {_class_counts(made.undivided)}")


def _next_loop(
    made: MadeFolds,
    out: str,
    root: str | None,
    picture_rate: Fraction | None,
    *,
    validated: bool,
    ending: str,
) -> str:
    """The loop of a shell that makes shards of folds: of the test lists, unless some validate."""
    lists = f'--train "$fold/test.{ending}"'
    if validated:
        lists = " ".join(f'--{split} "$fold/{split}.{ending}"' for split in SPLITS)
    shard = shlex.join(_shard_words(root, picture_rate, in_time=ending == "csv"))
    folders = f"{'' if out == '.' else shlex.quote(f'{out}/')}fold-*"
    if is_url(out):  # in which a shell finds nothing
        folders = shlex.join(join(out, name) for name in made.folds)
    return f'for fold in {folders}; do {shard} {lists} --out "shards/${{fold##*/}}"; done'
