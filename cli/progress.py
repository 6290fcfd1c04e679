"""Progress on stderr: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .log_file import add_to_log
from .output import print_result, say
from .words import on_stream

if TYPE_CHECKING:
    from rich.progress import Progress, Task

EVERY = 10.0
"""Seconds between two plain lines."""

_REDRAWN_A_SECOND = 3

_WIDE_ENOUGH_FOR_A_BAR = 60
"""Columns of a terminal from which on a bar is shown beside the figures."""


class ProgressBar:
    """A context manager that shows a bar with some figures on stderr, if that is a terminal.

    Args:
        shown: Whether anything is shown at all.

    Attributes:
        shown: Whether anything is shown at all.
        bar: The bar of rich, or None if stderr is no terminal.
    """

    def __init__(self, *, shown: bool = True) -> None:
        self.shown = shown
        self.bar = _new_bar() if shown and sys.stderr.isatty() else None
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar:
            self.bar.stop()

    def say(self, line: str) -> None:
        """Show a line on stderr."""
        if self.bar:
            shown = on_stream(line, sys.stderr)
            self.bar.console.print(shown, markup=False, highlight=False, soft_wrap=True)
            add_to_log(line)
        elif self.shown:
            say(line)

    def result(self, line: str) -> None:
        """Print a line on stdout, above the bar if both are on the terminal."""
        if self.bar and sys.stdout.isatty():
            self.say(line)
        else:
            print_result(line)

    def now_and_then(self, line: Callable[[], str]) -> None:
        """Say how far all is, if that is a while ago; where there is a bar, in the log only.

        Args:
            line: Makes the line.
        """
        now = time.monotonic()
        if now - self._said <= EVERY or not self.shown:
            return
        self._said = now
        if self.bar:
            add_to_log(line())
        else:
            say(line())


def _new_bar() -> Progress | None:
    """A bar on the terminal of stderr; None where that can't move its cursor."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column
    from rich.text import Text

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        return None

    class Figures(ProgressColumn):
        """The figures of a task, parts with commas between them: as many as there is room for."""

        def render(self, task: Task) -> Text:
            around = f"{task.description} {task.completed:.0f}/{task.total or 0:.0f} -:--:-- "
            return Text(fitting(task.fields["figures"], console.width - len(around) - 2))

    def column() -> Column:
        return Column(no_wrap=True)

    wide = console.width >= _WIDE_ENOUGH_FOR_A_BAR
    return Progress(
        TextColumn("{task.description}", table_column=column()),
        *([BarColumn(bar_width=None, table_column=Column(ratio=1))] if wide else []),
        MofNCompleteColumn(table_column=column()),
        Figures(table_column=column()),
        TimeRemainingColumn(compact=True, table_column=column()),
        console=console,
        expand=wide,
        refresh_per_second=_REDRAWN_A_SECOND,
    )


def fitting(figures: str, room: int) -> str:
    """The first parts of a text with commas between them that there is room for.

    Args:
        figures: The text.
        room: The columns.

    Returns:
        Whole parts; where the first one is too long already, its end, after a sign of that.
    """
    from rich.cells import cell_len

    parts = figures.split(", ")
    while len(parts) > 1 and cell_len(", ".join(parts)) > room:
        parts.pop()
    text = ", ".join(parts)
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) >= room:
        text = text[1:]
    return f"…{text}" if room > 0 else ""


class CountProgress(ProgressBar):
    """Counts things as they are done; `start` it once their number is known.

    Args:
        things: What is counted, in the plural, such as `videos`.
        shown: Whether anything is shown at all.
    """

    def __init__(self, things: str, *, shown: bool = True) -> None:
        super().__init__(shown=shown)
        self._things = things

    def start(self, total: int, left: int) -> None:
        """Say how many things there are in all, and how many of them are left to do."""
        self._left, self._done = left, 0
        self._began = time.monotonic()
        if left < total:
            self.say(f"{total - left} of {total} {self._things} were done before")
        if self.bar:
            self._task = self.bar.add_task(self._things, total=left, figures="")

    def advance(self, count: int = 1) -> None:
        """Count things that were done just now."""
        self._done += count
        now = time.monotonic()
        rate = f"{self._done / max(now - self._began, 1e-9):.1f} {self._things}/s"
        if self.bar:
            self.bar.update(self._task, advance=count, figures=rate)
        self.now_and_then(lambda: f"{self._done} of {self._left} {self._things}, {rate}")
