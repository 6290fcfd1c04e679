"""`lrcn-data preview`: a picture of sampled clips."""

from __future__ import annotations

from pathlib import Path

import click

from lrcn_data.errors import LrcnError
from lrcn_data.splits import SPLITS

from .command import Command
from .options import FILE, PLACE, debug_option, frame_kind_option, json_option, seed_option
from .output import print_json

_DEFAULT_CLIPS = 12


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
    from lrcn_data.format.shard_reader import open_data_set
    from lrcn_data.inspecting.preview import SheetText, choose_samples, contact_sheet, subtitle

    if clips is None and per_class is None:
        clips = _DEFAULT_CLIPS
    data_set = open_data_set(list(shards) or ["shards"], split=split, plugins=plugins)
    numbers = choose_samples(data_set.labels, clips=clips, per_class=per_class, seed=seed)
    samples = [data_set.read_sample(number) for number in numbers]
    text = SheetText(
        title=" ".join(shards) or "shards",
        subtitle=subtitle(data_set.fps, data_set.seq_len, len(samples), len(data_set)),
        keys=keys,
    )
    sheet = contact_sheet(samples, text)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(out)
    except (OSError, ValueError) as error:
        raise LrcnError(f"--out {out} can't be written: {error}") from error
    if as_json:
        print_json({"file": str(out), "keys": [sample.record.key for sample in samples]})
    else:
        click.echo(f"{out}: {len(samples)} clips, {sheet.width}x{sheet.height} pixels")
