"""`lrcn-data index`: the index of shards that came without one."""

from __future__ import annotations

import click

from .options import debug_option, frame_kind_option, json_option
from .output import print_json


@click.command(name="index", short_help="Make the index of shards that came without one.")
@click.argument("folder", metavar="[SHARDS]", default="shards")
@frame_kind_option
@json_option
@debug_option
def command(*, folder: str, plugins: tuple[str, ...], as_json: bool) -> None:
    """Make the index of the shards in SHARDS (default: shards) that came without one.

    This is for tars that were copied with dataset.json, but without their .meta folder. The pixel
    sums are then those of the decoded JPEGs, so a mean image differs a little from the exact one.
    """
    from lrcn_data.inspecting.rebuild_index import rebuild_index

    written = []
    for path in rebuild_index(folder, plugins=plugins):
        written.append(str(path))
        if not as_json:
            click.echo(str(path))
    if as_json:
        print_json({"folder": folder, "written": written})
    elif not written:
        click.echo(f"{folder}: every shard has its index", err=True)
    if any(path.endswith(".npz") for path in written):
        click.echo(
            "the pixel sums are those of the decoded JPEGs, not of the frames before encoding",
            err=True,
        )
