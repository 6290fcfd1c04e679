"""`lrcn-data verify`: a data set against its manifest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from .common import debug_option, json_option, print_json


@click.command(name="verify", short_help="Check every byte of a data set against its manifest.")
@click.argument("folder", metavar="[SHARDS]", default="shards")
@click.option(
    "--inputs", is_flag=True, help="Also check that the input videos are those that were decoded."
)
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="What the lists' paths are relative to, for --inputs.",
)
@click.option(
    "--deep", is_flag=True, help="Also compare the pixel sums with those of the decoded frames."
)
@json_option
@debug_option
def command(*, folder: str, inputs: bool, root: Path, deep: bool, as_json: bool) -> None:
    """Check every byte of the data set in SHARDS (default: shards) against its manifest.

    Size and SHA-256 of every tar, its members and keys, that every JPEG decodes, index, arrays,
    records and counts. Prints a line a fault; the exit code is 1 where there is one.
    """
    from lrcn_data.asking.verify import verify

    from .progress import CountProgress

    faults = []
    with CountProgress("shards") as progress:
        for fault in verify(
            folder,
            deep=deep,
            inputs=root if inputs else None,
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
        click.echo(f"{folder}: no faults", err=True)
    if faults:
        click.echo(f"{folder}: {len(faults)} fault{'s'[: len(faults) > 1]}", err=True)
        raise click.exceptions.Exit(1)
