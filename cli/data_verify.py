"""`lrcn-data verify`: a data set against its manifest."""

from __future__ import annotations

from dataclasses import asdict

import click

from .command import Command
from .options import LOCATION, debug_option, frame_kind_option, json_option, root_option
from .output import print_json, say


@click.command(
    cls=Command,
    name="verify",
    short_help="Check every byte of a data set against its manifest.",
    examples=("lrcn-data verify", "lrcn-data verify my-shards --deep --inputs --root videos"),
)
@click.argument("folder", metavar="[SHARDS]", type=LOCATION, default="shards")
@click.option(
    "--inputs", is_flag=True, help="Also check that the input videos are those that were decoded."
)
@root_option(
    "The folder or URL that the paths of the input videos are relative to, for --inputs.",
    kind=LOCATION,
)
@click.option(
    "--deep", is_flag=True, help="Also compare the pixel sums with those of the decoded frames."
)
@frame_kind_option
@json_option
@debug_option
def command(
    *, folder: str, inputs: bool, root: str, deep: bool, plugins: tuple[str, ...], as_json: bool
) -> None:
    """Check every byte of the data set in SHARDS (default: shards) against its manifest.

    It checks the size and SHA-256 of every tar, its members and keys, that every frame decodes, the
    index, the arrays, the records and the counts. Every fault is printed as a line of its own; the
    exit code is 1 if there are any.
    """
    from lrcn_data.inspecting.verify import verify

    from .progress import CountProgress

    faults = []
    with CountProgress("shards") as progress:
        for fault in verify(
            folder,
            deep=deep,
            inputs=root if inputs else None,
            plugins=plugins,
            on_start=progress.start,
            on_shard=progress.advance,
        ):
            faults.append(fault)
            if not as_json:
                progress.result(str(fault))
    if as_json:
        print_json(
            {"folder": folder, "sound": not faults, "faults": [asdict(fault) for fault in faults]}
        )
    elif not faults:
        say(f"{folder}: no faults")
    if faults:
        say(f"{folder}: {len(faults)} fault{'s'[: len(faults) > 1]}")
        raise click.exceptions.Exit(1)
