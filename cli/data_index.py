"""`lrcn-data index`: the index of shards that came without one."""

from __future__ import annotations

import click

from .command import Command
from .options import LOCATION, debug_option, frame_kind_option, json_option
from .output import print_json, print_result, say


@click.command(
    cls=Command,
    name="index",
    short_help="Make the index of shards that came without one.",
    examples=("lrcn-data index my-shards",),
)
@click.argument("folder", metavar="[SHARDS]", type=LOCATION, default="shards")
@frame_kind_option
@json_option
@debug_option
def command(*, folder: str, plugins: tuple[str, ...], as_json: bool) -> None:
    """Make the index of the shards in SHARDS (default: shards) that came without one.

    This is for tars that were copied with dataset.json, but without their .meta folder. The pixel
    sum is then that of the decoded JPEGs, so a mean image differs a little from the exact one.
    """
    from lrcn_data.format.data_set_folder import DataSetFolder
    from lrcn_data.format.file_names import PIXEL_SUM
    from lrcn_data.inspecting.rebuild_index import rebuild_index

    written = []
    for name in rebuild_index(folder, plugins=plugins):
        written.append(DataSetFolder(folder).at(name))
        if not as_json:
            print_result(written[-1])
    if as_json:
        print_json({"folder": folder, "written": written})
    elif not written:
        say(f"{folder}: every shard has its index")
    if any(path.endswith(PIXEL_SUM) for path in written):
        say(
            "the pixel sum is that of the decoded JPEGs, not of the frames before encoding",
        )
