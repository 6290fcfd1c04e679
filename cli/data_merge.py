"""`lrcn-data merge`: one data set of several."""

from __future__ import annotations

import click

from .command import Command
from .joined import out_option, show_joined
from .options import LOCATION, debug_option, frame_kind_option, json_option, workers_option


@click.command(
    cls=Command,
    name="merge",
    short_help="Make one data set of several.",
    examples=(
        "lrcn-data merge ucf-shards my-shards --out both",
        "lrcn-data merge a b c --out abc --skip-duplicates --link",
    ),
)
@click.argument("sources", metavar="SHARDS SHARDS [SHARDS...]", nargs=-1, type=LOCATION)
@out_option
@click.option(
    "--skip-duplicates",
    is_flag=True,
    help="Take a clip that several of them have, of the same file and with the same frames, once;"
    " such clips are refused without it.",
)
@click.option(
    "--allow-leakage",
    is_flag=True,
    help="Allow a file, or the videos of a group, in two splits of what comes out.",
)
@click.option(
    "--link",
    is_flag=True,
    help="Make tars that stay as they are hard links, which take no more room on the disk; all"
    " data sets must be on one.",
)
@workers_option("The number of threads that write shards.", default="the cores allowed")
@frame_kind_option
@json_option
@debug_option
def command(
    *,
    sources: tuple[str, ...],
    out: str,
    skip_duplicates: bool,
    allow_leakage: bool,
    link: bool,
    workers: int | None,
    plugins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make one data set of those in SHARDS, split by split.

    Classes are the same where their names are: those of the first data set keep their numbers, and
    new ones follow. A tar of which no number and no key changes stays as it is; of the others,
    labels and keys are written anew, and no frame. All must have the same --fps, --seq-len,
    sampling, kind of frames and kind of labels. The same command goes on where it was stopped.
    """
    from lrcn_data.joining.merge import merge

    from .progress import CountProgress

    with CountProgress("shards") as progress:
        result = merge(
            sources,
            out,
            skip_duplicates=skip_duplicates,
            allow_leakage=allow_leakage,
            link=link,
            workers=workers,
            plugins=plugins,
            on_start=progress.start,
            on_shard=progress.advance,
        )
    show_joined(result, as_json=as_json)
