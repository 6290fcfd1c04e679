"""The error boundary of all commands: what an exception becomes on stderr and as an exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click

from lrcn_data.errors import LrcnError

from .options import DEBUG, OWN_PROCESS


def run(command: click.Command, name: str) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C.

    Args:
        command: The command, whose arguments are those of the process.
        name: Its name, as help texts show it.
    """
    meta: dict[str, Any] = {}
    try:
        with command.make_context(name, sys.argv[1:], obj=OWN_PROCESS) as context:
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
        if meta.get(DEBUG):
            raise
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # who reads the output has enough of it; nothing more may be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except OSError as error:
        if meta.get(DEBUG):
            raise
        name = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {name}{error.strerror or error}; --debug shows where", err=True)
        code = 1
    sys.exit(code)


def _where_to_look(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"; see `{context.command_path} --help`" if context else ""
