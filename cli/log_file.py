"""The file of --log: every line that a command says, with its time, whatever the terminal shows."""

from __future__ import annotations

import re
import shlex
import sys
import time
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

import click

from lrcn_data.errors import UsageError

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_log: TextIOWrapper | None = None


def open_log(path: Path) -> None:
    """Append to a file from now on, in place of another one.

    Args:
        path: The file; it is made if need be.

    Raises:
        UsageError: It can't be written.
    """
    global _log
    close_log()
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    try:
        # whole lines at a time, so that those of several processes don't mix
        _log = path.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(
            f"--log {path} can't be written: {error.strerror}; name another"
        ) from error
    add_to_log(f"$ {command}")


def close_log() -> None:
    """Append no more."""
    global _log
    log, _log = _log, None
    if log is not None:
        # what is left in it could not be written before either
        with suppress(OSError):
            log.close()


def add_to_log(text: str) -> None:
    """Append lines, if there is such a file; one that can't be written any more is given up.

    Args:
        text: What was said; colours and what moves a cursor are left out.
    """
    global _log
    if _log is None:
        return
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    lines = _ESCAPES.sub("", text).replace("\r", "\n").splitlines()
    try:
        _log.write("".join(f"{now} {line}".rstrip() + "\n" for line in lines))
    except OSError as error:
        name = _log.name
        close_log()
        click.echo(f"warning: {name} can't be written any more: {error.strerror}", err=True)
