"""What commands say: results on stdout, all else on stderr, and with --log all of it in a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.storage.locations import split_location

from .log_file import add_to_log
from .words import on_stream

if TYPE_CHECKING:
    from rich.table import Table


def print_result(text: str) -> None:
    """Print lines of a result on stdout; on a terminal they are broken between words."""
    click.echo(on_stream(text, sys.stdout))
    add_to_log(text)


def print_next(command: str) -> None:
    """Print on stdout which command comes next, in one line that can be copied."""
    click.echo(f"next: {command}")
    add_to_log(f"next: {command}")


def say(text: str) -> None:
    """Print lines on stderr that are no result; on a terminal they are broken between words."""
    click.echo(on_stream(text, sys.stderr), err=True)
    add_to_log(text)


def warn(message: str) -> None:
    """Print one line of warning on stderr."""
    say(f"warning: {message}")


def print_json(found: Any) -> None:
    """Print one machine-readable result on stdout."""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    click.echo(text)
    add_to_log(text)


def print_table(table: Table, *, instead: str | None = None) -> None:
    """Print a table on stdout so that it fits the terminal; see `fitted_table`.

    Args:
        table: The table.
        instead: A line that is printed where the table is wider than the terminal; None to print
            its rows below one another then.
    """
    from .fitted_table import as_text, print_fitted

    add_to_log(as_text(table))
    print_fitted(table, instead=instead)


def print_files(places: Sequence[Path | str]) -> None:
    """Name the files that were made for people to look at, a line for each folder.

    Args:
        places: Their paths or URLs.
    """
    split = [split_location(str(place)) for place in places]
    for folder, files in groupby(split, lambda one: one[0]):
        names = ", ".join(name for _, name in files)
        print_result(f"look at: {folder}/ {names}")
