"""`lrcn-data lists`: train, val and test lists."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.splits import SPLITS

from .command import Command
from .options import FOLDER, debug_option, json_option, seed_option
from .output import print_json, warn

if TYPE_CHECKING:
    from lrcn_data.lists.made_lists import MadeLists

_FRACTION = click.FloatRange(0, 1, max_open=True)


@click.command(
    cls=Command,
    name="lists",
    short_help="Make train, val and test lists from folders or official splits.",
    groups={
        "Lists": ("out", "overwrite"),
        "Splits": ("test_fraction", "val_fraction", "group_pattern", "seed"),
        "Official splits": ("official_split", "videos", "present"),
    },
    examples=(
        "lrcn-data lists my-videos --test-fraction 0.2",
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
    help="The share of each class's videos that goes into the test list; for class folders only.",
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
    help="A regular expression that finds what the file names of videos that belong together have"
    " in common; such videos go into one split.",
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
@json_option
@debug_option
def command(*, source: Path, out: Path, overwrite: bool, as_json: bool, **values: Any) -> None:
    """Make train.txt, val.txt, test.txt and classes.txt.

    The argument is a folder of class folders with videos, or the folder of an official split:
    UCF-101's (classInd.txt, trainlist01.txt, testlist01.txt) or HMDB51's (CLASS_test_split1.txt).

    Fractions take whole groups of videos, so that no recording is in two splits.
    """
    from lrcn_data.lists.make_lists import count_absent, make_lists, write_lists

    made = make_lists(source, **values)
    written = write_lists(made, out, overwrite=overwrite)
    counts = {split: made.count(split) for split in SPLITS}
    if as_json:
        print_json(
            {
                "files": [str(path) for path in written],
                "classes": len(made.classes),
                "videos": counts,
                "absent": made.absent,
                "ignored": made.ignored,
            }
        )
    else:
        _show(made, counts, out)
    if made.ignored:
        warn(f"{made.ignored} files are no videos by their names; they were left out")
    videos = values["videos"]
    if videos and not values["present"] and (absent := count_absent(made, videos)):
        warn(
            f"{absent} of {len(made.videos)} videos are not under {videos}; --present leaves them"
            " out"
        )
    if not as_json:
        root = videos or (source if made.from_folders else None)
        click.echo(f"next: {_next_command(out, root, counts)}")


def _show(made: MadeLists, counts: dict[str, int], out: Path) -> None:
    for split, count in counts.items():
        if count:
            click.echo(f"{out / split}.txt: {count:,} videos")
    click.echo(f"{out / 'classes.txt'}: {len(made.classes)} classes")
    if made.absent:
        click.echo(f"left out: {made.absent:,} videos that are not there")


def _next_command(out: Path, root: Path | None, counts: dict[str, int]) -> str:
    """The command that makes shards of these lists."""
    words = ["lrcn-data", "shard", "--fps", "5", "--seq-len", "8"]
    words += ["--root", str(root) if root else "FOLDER-OF-THE-VIDEOS"]
    words += ["--classes", str(out / "classes.txt")]
    if out != Path():
        for split, count in counts.items():
            words += [f"--{split}", f"{out / split}.txt"] if count else []
    return shlex.join(words)
