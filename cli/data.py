"""`lrcn-data`: the commands of stage 1. Each is loaded only when it is used."""

from __future__ import annotations

import atexit
import gc
from importlib import import_module

import click

from lrcn_data.machine import compute_in_one_thread

from .command import Command
from .error_boundary import run
from .options import HELP, version_option

COMMANDS = {
    "lists": "Make train, val and test lists from folders, official splits or annotations.",
    "shard": "Turn videos into WebDataset shards of frame sequences.",
    "stats": "Count classes, frames and rejects; compute the mean image.",
    "verify": "Check every byte of a data set against its manifest.",
    "preview": "Draw a contact sheet of clips, or make a page of a data set.",
    "demo": "Make a small data set of generated videos.",
    "merge": "Make one data set of several.",
    "subset": "Make a data set of some videos of another one.",
    "index": "Make the index of shards that came without one.",
}
"""The commands, in the order in which one uses them, each with its line of help."""


class LazyGroup(Command, click.Group):
    """A group whose commands are named here, and imported when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and take its `command`; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".data_{cmd_name}", __package__)
        command: click.Command = module.command
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options and the list of commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings=HELP,
    examples=(
        "lrcn-data lists my-videos --test-fraction 0.2",
        "lrcn-data shard --root my-videos",
        "lrcn-data stats",
        "lrcn-data shard --help",
    ),
)
@version_option
def command() -> None:
    """Turn videos into shards of sampled frame sequences, and look at what came out."""


def main() -> None:
    """Entry point of `lrcn-data`."""
    compute_in_one_thread()
    # else the interpreter looks for garbage in all that was imported as it ends, which takes 25 ms
    atexit.register(gc.freeze)
    run(command, "lrcn-data")


if __name__ == "__main__":
    main()
