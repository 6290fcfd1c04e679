"""`lrcn-data preview`: a picture of sampled clips."""

from __future__ import annotations

from pathlib import Path

import click

from lrcn_data.errors import LrcnError
from lrcn_data.splits import SPLITS

from .command import Command
from .options import FILE, PLACE, debug_option, frame_kind_option, json_option, seed_option
from .output import print_json, print_result, warn


@click.command(
    cls=Command,
    name="preview",
    short_help="Draw a contact sheet of sampled clips.",
    groups={
        "Clips": ("split", "clips", "per_class", "seed", "plugins"),
        "Picture": ("out", "keys"),
    },
    examples=("lrcn-data preview", "lrcn-data preview my-shards --split test --per-class 3"),
)
@click.argument("shards", nargs=-1, type=PLACE)
@click.option(
    "--out",
    type=FILE,
    default="preview.png",
    show_default=True,
    help="The picture file to write.",
)
@click.option("--split", type=click.Choice(SPLITS), help="Show only clips of this split.")
@click.option(
    "--clips",
    type=click.IntRange(1),
    show_default="12, or all of --per-class",
    help="The largest number of clips in the picture.",
)
@click.option(
    "--per-class", type=click.IntRange(1), help="The largest number of clips of each class."
)
@click.option("--keys", is_flag=True, help="Write each sample's key beside its frames.")
@seed_option("The seed of the random choice of clips.")
@frame_kind_option
@json_option
@debug_option
def command(
    *,
    shards: tuple[str, ...],
    out: Path,
    split: str | None,
    clips: int | None,
    per_class: int | None,
    keys: bool,
    seed: int,
    plugins: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draw clips of SHARDS (default: shards) below one another, each with its frames and times.

    SHARDS are a folder, or shards as `lrcn-train` takes them. Every class gets the same number of
    clips, as far as it has them; frames that only repeat the last one of a short video are dimmed.
    """
    from lrcn_data.inspecting.preview import draw_preview

    found = draw_preview(
        list(shards) or "shards",
        split=split,
        clips=clips,
        per_class=per_class,
        keys=keys,
        seed=seed,
        plugins=plugins,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        found.picture.save(out)
    except (OSError, ValueError) as error:
        raise LrcnError(f"--out {out} can't be written: {error}") from error
    if found.without_font:
        warn(found.without_font)
    if as_json:
        print_json({"file": str(out), "keys": found.keys})
    else:
        width, height = found.picture.size
        print_result(f"{out}: {len(found.keys)} clips, {width}x{height} pixels")
