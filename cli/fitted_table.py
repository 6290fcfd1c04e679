"""Tables of any width on terminals of any width: names give way, numbers stay in one piece."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from .words import at_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

_UNBOUNDED = 10_000
"""The columns of what is no terminal: a file, a pipe."""

_NARROW = 10
"""Columns that a name may be folded to, where it has no shorter words."""

_FIGURE = 12
"""Columns up to which a figure stays in one line, its unit included."""


def new_console() -> Console:
    """The console of stdout; where that is no terminal, lines are as long as they need be."""
    from rich.console import Console

    console = Console(highlight=False)
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        console.width = _UNBOUNDED
    return console


def as_text(table: Table) -> str:
    """A table at its own width, without colours."""
    from rich.console import Console

    file = io.StringIO()
    _print(Console(file=file, width=_UNBOUNDED, color_system=None, highlight=False), table)
    return file.getvalue()


def print_fitted(table: Table, *, instead: str | None = None) -> None:
    """Print a table on stdout.

    Columns of names, which are those that aren't flush right, are folded where the terminal is
    narrow. Where that isn't enough, rows are printed below one another, a line for each cell.

    Args:
        table: The table.
        instead: A line that is printed in place of the table there.
    """
    console = new_console()
    if _fit(console, table):
        _print(console, table)
    elif instead is not None:
        console.print(instead, markup=False, soft_wrap=True)
    else:
        _print_rows(console, table)


def _print(console: Console, table: Table) -> None:
    """Print a table, with title and caption as lines of their own, which may be longer than it."""
    title, caption = table.title, table.caption
    table.title = table.caption = None
    if title:
        console.print(title, style="italic", soft_wrap=True)
    console.print(table)
    if caption:
        console.print(caption, style="dim", soft_wrap=True)
    table.title, table.caption = title, caption


def _fit(console: Console, table: Table) -> bool:
    """Give columns widths with which a table fits; whether there are such."""
    ranges = [_range(console, column) for column in table.columns]
    borders = 3 * len(ranges) + 1
    room = console.width - borders - sum(least for least, _ in ranges)
    if room < 0:
        return False
    wants = sorted(range(len(ranges)), key=lambda n: ranges[n][1] - ranges[n][0])
    for done, number in enumerate(wants):
        least, most = ranges[number]
        given = min(most - least, room // (len(wants) - done))
        room -= given
        table.columns[number].width = least + given
        table.columns[number].overflow = "fold"
    return True


def _range(console: Console, column: Column) -> tuple[int, int]:
    """The least and the largest width that a column has use for."""
    from rich.measure import Measurement

    cells = [column.header, *column.cells]
    found = [Measurement.get(console, console.options, cell) for cell in cells]
    most = max(one.maximum for one in found)
    least = max(one.minimum for one in found)
    if column.justify != "right":
        least = min(least, max(_NARROW, least // 2))
    elif most <= _FIGURE:
        least = most
    return least, most


def _print_rows(console: Console, table: Table) -> None:
    """Print the cells of each row below one another."""
    if table.title:
        console.print(table.title, style="italic", soft_wrap=True)
    headers = [_plain(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        for number, (header, cell) in enumerate(zip(headers, map(_plain, row), strict=True)):
            if cell:
                line = f"{header} {cell}" if header else cell
                indented = f"  {line}" if number else line
                shown = at_words(indented, console.width)
                console.print(shown, markup=False, soft_wrap=True)
    if table.caption:
        console.print(table.caption, style="dim", soft_wrap=True)


def _plain(cell: object) -> str:
    from rich.text import Text

    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain
