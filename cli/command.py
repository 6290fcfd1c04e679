"""What a command is to the user besides its options: its help, its completion, a closed pipe."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

GENERAL = ("--json", "--log", "--debug", "--version", "--help")
"""The options that most commands have; the help shows them last, in this order."""

GOES_ON = "goes_on"
"""Key under which a context's object has whether the same command goes on where it was stopped."""

BROKEN_PIPE = 128 + signal.SIGPIPE
"""The exit code where whoever reads the output has closed it, as a shell gives it."""


class Command(click.Command):
    """A command whose help shows its options in groups, and ends with examples.

    Args:
        *arguments: What click's own class takes.
        groups: The names of the options in each group, by the group's heading; options of no group
            come first, the general ones last.
        examples: Command lines that show what the command can do.
        goes_on: Whether the same command goes on where one was stopped.
        **settings: What click's own class takes.
    """

    def __init__(
        self,
        *arguments: Any,
        groups: Mapping[str, Sequence[str]] | None = None,
        examples: Sequence[str] = (),
        goes_on: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(*arguments, **settings)
        self.goes_on = goes_on
        self.groups = groups or {}
        self.examples = examples

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **settings: Any,
    ) -> click.Context:
        """Parse the arguments; --help is answered here."""
        with pipe_may_close():
            return super().make_context(info_name, args, parent, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command is for."""
        ctx.ensure_object(dict)[GOES_ON] = self.goes_on
        with pipe_may_close():
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group of options."""
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        rows = {str(one.name): row for one in options if (row := one.get_help_record(ctx))}
        grouped = {name for names in self.groups.values() for name in names}
        general = [str(one.name) for flag in GENERAL for one in options if flag in one.opts]
        others = [name for name in rows if name not in grouped | set(general)]
        for title, names in {"Options": others, **self.groups, "General": general}.items():
            if names:
                with formatter.section(title):
                    formatter.write_dl([rows[name] for name in names])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


@contextmanager
def pipe_may_close() -> Iterator[None]:
    """End with an exit code of its own where whoever reads the output has enough of it."""
    try:
        yield
    except BrokenPipeError:
        # nothing more may be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(BROKEN_PIPE) from None
