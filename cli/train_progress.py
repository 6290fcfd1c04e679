"""A training's progress on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from .common import warn

if TYPE_CHECKING:
    from lrcn_model.training import EpochReport, StepReport

_EVERY = 10.0
"""Seconds between two plain lines."""


class TrainProgress:
    """Shows steps and epochs; use as a context manager. Only the first of several processes."""

    def __init__(self) -> None:
        from lrcn_model.ranks import ranks_from_environment

        self._silent = not ranks_from_environment().first
        self._bar = None
        self._steps = 0
        self._said = self._began = time.monotonic()
        if sys.stderr.isatty() and not self._silent:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
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

    def start(self, *, steps: int, steps_done: int, epochs_done: int) -> None:
        """Say how many steps there will be, and where the training goes on."""
        self._steps, self._steps_before = steps, steps_done
        self._began = time.monotonic()
        if steps_done:
            self._say(f"going on after step {steps_done} of {steps}")
        if self._bar:
            self._task = self._bar.add_task(
                f"epoch {epochs_done + 1}", total=steps, completed=steps_done, figures=""
            )

    def step(self, report: StepReport) -> None:
        """Show a step's figures."""
        if self._silent:
            return
        now = time.monotonic()
        if self._bar:
            self._bar.update(
                self._task,
                completed=report.step,
                description=f"epoch {report.epoch}",
                figures=_figures(report),
            )
        elif now - self._said > _EVERY:
            self._said = now
            a_step = (now - self._began) / max(1, report.step - self._steps_before)
            left = _duration(a_step * (self._steps - report.step))
            click.echo(
                f"epoch {report.epoch}, step {report.step} of {self._steps}: {_figures(report)},"
                f" {left} left",
                err=True,
            )

    def epoch(self, report: EpochReport) -> None:
        """Show an epoch's figures."""
        line = (
            f"epoch {report.epoch}: loss {report.loss:.4f}, accuracy {report.accuracy:.1%},"
            f" {report.seconds:.1f} s"
        )
        if report.val is not None:
            best = ", the best so far" if report.best else ""
            line += f"; val accuracy {report.val.accuracy:.1%}{best}"
        self._say(line)

    def warn(self, message: str) -> None:
        """Show a warning."""
        if not self._silent:
            warn(message)

    def _say(self, line: str) -> None:
        if self._silent:
            return
        if self._bar:
            self._bar.console.print(line, highlight=False)
        else:
            click.echo(line, err=True)


def _figures(report: StepReport) -> str:
    return (
        f"loss {report.loss:.3f}, accuracy {report.accuracy:.1%},"
        f" {report.clips_per_s:.1f} clips/s, waiting {report.waiting:.0%}"
    )


def _duration(seconds: float) -> str:
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}"


class ClipProgress:
    """Counts clips that are scored; a bar on a terminal, nothing elsewhere or for None."""

    def __init__(self, clips: int | None) -> None:
        self._bar = None
        if clips is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("clips", total=clips)

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

    def advance(self, clips: int) -> None:
        """Count some clips."""
        if self._bar:
            self._bar.advance(self._task, clips)
