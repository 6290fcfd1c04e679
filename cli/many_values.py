"""Options that take many values, as `--shards *.tar` has them after a shell has expanded it."""

from __future__ import annotations

import click

from .command import Command


class ManyValuesCommand(Command):
    """A command whose `multiple` options take every argument up to the next option.

    So `--shards a.tar b.tar` works as well as `--shards a.tar --shards b.tar`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option's name before each of its values, then parse as click does."""
        names = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.multiple
            for name in parameter.opts
        }
        return super().parse_args(ctx, repeat_names(args, names))


def repeat_names(arguments: list[str], names: set[str]) -> list[str]:
    """Write arguments so that every value of an option of many values follows the option's name.

    Args:
        arguments: The arguments as they were given.
        names: Names of the options that take many values, such as `--shards`.
    """
    repeated: list[str] = []
    current, values = None, 0
    for position, argument in enumerate(arguments):
        if argument == "--":
            return repeated + arguments[position:]
        if argument in names:
            current, values = argument, 0
            repeated.append(argument)
            continue
        if argument.startswith("-") and len(argument) > 1:
            current = None
        elif current is not None:
            if values:
                repeated.append(current)
            values += 1
        repeated.append(argument)
    return repeated
