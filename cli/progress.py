"""Progress over videos on stderr: a live bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

import click

_EVERY = 10.0
"""Seconds between two plain lines."""


class VideoProgress:
    """Counts videos; use as a context manager, `start` once the number is known."""

    def __init__(self) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("videos"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def start(self, videos: int, left: int) -> None:
        """Say how many videos there are, and how many are still to be read."""
        self._total, self._left, self._done = videos, left, 0
        self._began = self._said = time.monotonic()
        if left < videos:
            click.echo(f"{videos - left} of {videos} videos were done before", err=True)
        if self._bar:
            self._task = self._bar.add_task("", total=left, rate="")

    def advance(self) -> None:
        """Count a video."""
        self._done += 1
        now = time.monotonic()
        rate = f"{self._done / max(now - self._began, 1e-9):.1f} videos/s"
        if self._bar:
            self._bar.update(self._task, advance=1, rate=rate)
        elif now - self._said > _EVERY:
            self._said = now
            click.echo(f"{self._done} of {self._left} videos, {rate}", err=True)
