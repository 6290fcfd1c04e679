"""What the commands share: the error boundary, `--debug`, `--json`, options of many values."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from lrcn_data.errors import LrcnError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_DEBUG = "lrcn.debug"


def debug_option(function: Decorated) -> Decorated:
    """Add `--debug`, which shows the traceback of an error; read by `run`."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.meta[_DEBUG] = value

    return click.option(
        "--debug",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=remember,
        help="Show the traceback of an error.",
    )(function)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."
)


def print_json(result: Any) -> None:
    """Print one machine-readable result on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def warn(message: str) -> None:
    """Print one warning line on stderr."""
    click.echo(f"warning: {message}", err=True)


class ManyValuesCommand(click.Command):
    """A command whose `multiple` options take every argument up to the next option.

    So `--shards a.tar b.tar` works as it does after a shell has expanded `--shards *.tar`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option's name before each of its values."""
        names = {
            name
            for parameter in self.params
            if isinstance(parameter, click.Option) and parameter.multiple
            for name in parameter.opts
        }
        spread: list[str] = []
        current, values = None, 0
        for position, argument in enumerate(args):
            if argument == "--":
                spread += args[position:]
                break
            if argument in names:
                current, values = argument, 0
                spread.append(argument)
                continue
            if argument.startswith("-") and len(argument) > 1:
                current = None
            elif current is not None:
                if values:
                    spread.append(current)
                values += 1
            spread.append(argument)
        return super().parse_args(ctx, spread)


def _where_to_look(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"; see `{context.command_path} --help`" if context else ""


def run(command: click.Command, name: str) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C."""
    meta: dict[str, Any] = {}
    try:
        with command.make_context(name, sys.argv[1:]) as context:
            meta = context.meta
            command.invoke(context)
        code = 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}{_where_to_look(error)}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; the same command goes on from here", err=True)
        code = 130
    except LrcnError as error:
        if meta.get(_DEBUG):
            raise
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # who reads the output has enough of it; nothing more may be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except OSError as error:
        if meta.get(_DEBUG):
            raise
        name = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {name}{error.strerror or error}; --debug shows where", err=True)
        code = 1
    sys.exit(code)
