"""`lrcn-data lists`: train, val and test lists."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.printable import show
from lrcn_data.splits import SPLITS

from .command import Command
from .options import (
    FOLDER,
    debug_option,
    json_option,
    one_class_option,
    picture_rate_option,
    seed_option,
)
from .output import print_json, warn

if TYPE_CHECKING:
    from lrcn_data.lists.made_lists import MadeLists

_FRACTION = click.FloatRange(0, 1, max_open=True)

_CLASSES_SHOWN = 20
_ENDINGS_SHOWN = 10


@click.command(
    cls=Command,
    name="lists",
    short_help="Make train, val and test lists from folders or official splits.",
    groups={
        "Lists": ("out", "overwrite", "picture_rate", "allow_one_class"),
        "Splits": ("test_fraction", "val_fraction", "group_pattern", "seed"),
        "Official splits": ("official_split", "videos", "present"),
    },
    examples=(
        "lrcn-data lists my-videos --test-fraction 0.2",
        "lrcn-data lists my-videos-with-train-and-test-folders",
        "lrcn-data lists weizmann --test-fraction 0.2 --group-pattern '^[^_]+'",
        "lrcn-data lists ucfTrainTestlist --videos UCF-101 --val-fraction 0.1",
    ),
)
@click.argument("source", metavar="VIDEOS|SPLITS", type=FOLDER)
@click.option(
    "--out", type=FOLDER, default=".", show_default=True, help="The folder to write into."
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
    help="The share of each class's videos that goes into the validation list.",
)
@click.option(
    "--group-pattern",
    metavar="REGEX",
    show_default="UCF-101's gNN, HMDB51's film",
    help="A regular expression that finds what videos that belong together have in common in their"
    " paths below the class's folder; such videos go into one split.",
)
@seed_option("The seed of the random choice of the groups that go into each split.")
@click.option(
    "--split",
    "official_split",
    type=click.IntRange(1, 3),
    show_default="1",
    help="The number of the official split to read.",
)
@click.option("--videos", type=FOLDER, help="The folder with the videos of an official split.")
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
    source: Path,
    out: Path,
    overwrite: bool,
    picture_rate: Fraction | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Make train.txt, val.txt, test.txt and classes.txt.

    The argument is a folder of class folders with videos; or of train, val and test folders that
    hold the class folders; or the folder of an official split: UCF-101's (classInd.txt,
    trainlist01.txt, testlist01.txt) or HMDB51's (CLASS_test_split1.txt). Links to folders are
    followed, and what is left out is counted.

    Fractions take whole groups of videos, so that no recording is in two splits.
    """
    from lrcn_data.lists.make_lists import count_absent, make_lists, write_lists

    made = make_lists(source, pictures=picture_rate is not None, **values)
    written = write_lists(made, out, overwrite=overwrite)
    counts = {split: made.count(split) for split in SPLITS}
    if as_json:
        print_json(
            {
                "files": [str(path) for path in written],
                "classes": len(made.classes),
                "class_counts": made.class_counts,
                "videos": counts,
                "absent": made.absent,
                "ignored": made.ignored,
                "left_out": made.left_out,
                "groups": asdict(made.groups) if made.groups else None,
            }
        )
    else:
        _show(made, counts, out)
    for sentence in (*made.warnings, *_told_of_left_out(made)):
        warn(sentence)
    videos = values["videos"]
    if videos and not values["present"] and (absent := count_absent(made, videos)):
        warn(
            f"{absent} of {len(made.videos)} videos are not under {videos}; --present leaves them"
            " out"
        )
    if not as_json:
        root = videos or (source if made.from_folders else None)
        click.echo(f"next: {_next_command(out, root, counts, picture_rate)}")


def _show(made: MadeLists, counts: dict[str, int], out: Path) -> None:
    for split, count in counts.items():
        if count:
            click.echo(f"{out / split}.txt: {count:,} videos")
    click.echo(f"{out / 'classes.txt'}: {len(made.classes)} classes: {_class_counts(made)}")
    if made.groups:
        groups = made.groups
        click.echo(
            f"--group-pattern: matches {groups.matched:,} of {groups.names:,} names, in"
            f" {groups.groups:,} groups"
        )
    if made.absent:
        click.echo(f"left out: {made.absent:,} videos that are not there")


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
    out: Path, root: Path | None, counts: dict[str, int], picture_rate: Fraction | None
) -> str:
    """The command that makes shards of these lists."""
    words = ["lrcn-data", "shard", "--fps", "5", "--seq-len", "8"]
    words += ["--root", str(root) if root else "FOLDER-OF-THE-VIDEOS"]
    words += ["--classes", str(out / "classes.txt")]
    if picture_rate is not None:
        words += ["--picture-rate", str(picture_rate)]
    if out != Path():
        for split, count in counts.items():
            words += [f"--{split}", f"{out / split}.txt"] if count else []
    return shlex.join(words)
