"""Progress on stderr: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click

EVERY = 10.0
"""Seconds between two plain lines."""


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
        self.bar = None
        if shown and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )
            from rich.table import Column

            self.bar = Progress(
                TextColumn("{task.description}", table_column=Column(no_wrap=True)),
                # gives way where the terminal is narrow
                BarColumn(bar_width=None, table_column=Column(ratio=1)),
                MofNCompleteColumn(table_column=Column(no_wrap=True)),
                TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
                TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
                console=Console(stderr=True),
                expand=True,
            )

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
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        elif self.shown:
            click.echo(line, err=True)

    def result(self, line: str) -> None:
        """Print a line on stdout, above the bar if both are on the terminal."""
        if self.bar and sys.stdout.isatty():
            self.say(line)
        else:
            click.echo(line)


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
        self._began = self._said = time.monotonic()
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
        elif now - self._said > EVERY:
            self._said = now
            self.say(f"{self._done} of {self._left} {self._things}, {rate}")
