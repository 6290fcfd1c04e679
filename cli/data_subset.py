"""`lrcn-data subset`: a data set of some videos of another one."""

from __future__ import annotations

import click

from lrcn_data.splits import SPLITS

from .joined import out_option, show_joined
from .many_values import ManyValuesCommand
from .options import (
    LIST,
    LOCATION,
    debug_option,
    frame_kind_option,
    json_option,
    seed_option,
    workers_option,
)


@click.command(
    cls=ManyValuesCommand,
    name="subset",
    short_help="Make a data set of some videos of another one.",
    groups={
        "Videos": ("classes", "listed", "fraction", "per_class", "whole", "group_pattern", "seed"),
        "Shards": ("out", "workers", "plugins"),
    },
    examples=(
        "lrcn-data subset shards --classes Archery Surfing --out two-classes",
        "lrcn-data subset shards --fraction 0.1 --whole test --out tenth",
        "lrcn-data subset shards --per-class 5 --whole val test --seed 1 --out few-shot",
        "lrcn-data subset shards --list videos.txt --out listed",
    ),
)
@click.argument("source", metavar="SHARDS", type=LOCATION)
@out_option
@click.option(
    "--classes",
    metavar="NAME...",
    multiple=True,
    help="The names of the classes that are kept; they get new numbers, in the order of before.",
)
@click.option(
    "--list",
    "listed",
    type=LIST,
    help="A list of the videos that are kept, by their paths; its labels are passed over.",
)
@click.option(
    "--fraction",
    metavar="F",
    type=click.FloatRange(0, 1, min_open=True),
    help="The share of each class's videos that is kept, in each split; above 0, up to 1.",
)
@click.option(
    "--per-class",
    metavar="N",
    type=click.IntRange(1),
    help="The number of videos of each class that are kept, in each split.",
)
@click.option(
    "--whole",
    metavar="SPLIT...",
    type=click.Choice(SPLITS),
    multiple=True,
    help="The splits that --fraction and --per-class keep whole, such as test.",
)
@click.option(
    "--group-pattern",
    metavar="REGEX",
    show_default="UCF-101's gNN, HMDB51's film",
    help="A regular expression that finds what videos that belong together have in common in the"
    " names of their files, as a whole or in its first parenthesis; such videos are all kept or"
    " none.",
)
@seed_option("The seed of the random choice of groups.")
@workers_option("The number of threads that write shards.", default="the cores allowed")
@frame_kind_option
@json_option
@debug_option
def command(
    *,
    source: str,
    out: str,
    classes: tuple[str, ...],
    listed: str | None,
    fraction: float | None,
    per_class: int | None,
    whole: tuple[str, ...],
    group_pattern: str | None,
    seed: int,
    workers: int | None,
    plugins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a data set of some videos of that in SHARDS, in new shards.

    Videos stay in their splits, and their frames as they are stored. --fraction and --per-class are
    met as nearly as whole groups allow, and each class keeps one. The same values and seed choose
    the same videos; a larger fraction has those of a smaller one where videos have no groups. The
    same command goes on where it was stopped.
    """
    from lrcn_data.joining.choose_videos import SubsetOptions
    from lrcn_data.joining.subset import subset

    from .progress import CountProgress

    options = SubsetOptions(
        classes=classes,
        listed=listed,
        fraction=fraction,
        per_class=per_class,
        whole=whole,
        group_pattern=group_pattern,
        seed=seed,
    )
    with CountProgress("shards") as progress:
        result = subset(
            source,
            out,
            options,
            workers=workers,
            plugins=plugins,
            on_start=progress.start,
            on_shard=progress.advance,
        )
    show_joined(result, as_json=as_json)
