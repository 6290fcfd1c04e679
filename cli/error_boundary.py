"""The error boundary of all commands: what an exception becomes on stderr and as an exit code."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from lrcn_data.errors import LrcnError

from .command import GOES_ON
from .log_file import add_to_log, close_log
from .options import DEBUG, OWN_PROCESS
from .output import say


def run(command: click.Command, name: str) -> None:
    """Run a command, or complete one where a shell asks for that, and exit.

    The exit code is 0 where all was done, 1 where something failed, 2 for wrong usage, 130 after
    Ctrl-C; a command may give another.

    Args:
        command: The command, whose arguments are those of the process.
        name: Its name, as help texts show it.
    """
    settings: dict[str, Any] = {OWN_PROCESS: True}
    try:
        code = command.main(prog_name=name, standalone_mode=False, obj=settings) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        say(f"error: {error.format_message().removesuffix('.')}{_where_to_look(error)}")
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):
            # click takes it for the end of what a user types, which nothing here asks for
            raise error.__cause__ from None
        goes_on = "; the same command goes on from here" if settings.get(GOES_ON) else ""
        say(f"interrupted{goes_on}")
        code = 130
    except LrcnError as error:
        if settings.get(DEBUG):
            raise
        say(f"error: {error}")
        code = error.exit_code
    except OSError as error:
        if settings.get(DEBUG):
            raise
        name = f"{error.filename}: " if error.filename else ""
        say(f"error: {name}{error.strerror or error}; --debug shows where")
        code = 1
    except Exception:
        # Python shows it as the process ends
        add_to_log(traceback.format_exc())
        raise
    finally:
        close_log()
    sys.exit(code)


def _where_to_look(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"; see `{context.command_path} --help`" if context else ""
