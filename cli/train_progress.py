"""A training's progress on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .output import warn
from .progress import ProgressBar

if TYPE_CHECKING:
    from rich.progress import TaskID

    from lrcn_model.training.reports import CacheReport, EpochReport, StartReport, StepReport


class TrainProgress(ProgressBar):
    """Shows steps and epochs. Only the first of several processes says anything."""

    def __init__(self) -> None:
        from lrcn_model.ranks import ranks_from_environment

        super().__init__(shown=ranks_from_environment().first)
        self._steps = 0
        self._caching: TaskID | None = None
        self._began, self._step = time.monotonic(), 0

    def start(self, report: StartReport) -> None:
        """Say what is trained on what, and where the training goes on."""
        self._steps, self._steps_before = report.steps, report.steps_done
        self._step = report.steps_done
        self._began = time.monotonic()
        self.say(_describe(report))
        if report.steps_done:
            self.say(f"going on after step {report.steps_done} of {report.steps}")
        if self.bar:
            self._task = self.bar.add_task(
                f"epoch {report.epochs_done + 1}",
                total=report.steps,
                completed=report.steps_done,
                figures="",
            )

    def cache(self, report: CacheReport) -> None:
        """Show how many clips are done that are computed once.

        The time that this takes says nothing of the time that the steps that are left will take.
        """
        self._began, self._steps_before = time.monotonic(), self._step
        if self.bar:
            if self._caching is None:
                self._caching = self.bar.add_task(report.what, figures="")
            self.bar.update(self._caching, completed=report.done, total=report.clips)
            if report.done == report.clips:
                self.bar.remove_task(self._caching)
                self._caching = None
        self.now_and_then(lambda: f"{report.what} of {report.done:,} of {report.clips:,} clips")

    def step(self, report: StepReport) -> None:
        """Show a step's figures."""
        self._step = report.step
        if self.bar:
            self.bar.update(
                self._task,
                completed=report.step,
                description=f"epoch {report.epoch}",
                figures=_figures(report).replace("accuracy", "acc").replace("waiting", "wait"),
            )
        self.now_and_then(lambda: self._where(report))

    def _where(self, report: StepReport) -> str:
        a_step = (time.monotonic() - self._began) / max(1, report.step - self._steps_before)
        left = _duration(a_step * (self._steps - report.step))
        return (
            f"epoch {report.epoch}, step {report.step} of {self._steps}: {_figures(report)},"
            f" {left} left"
        )

    def epoch(self, report: EpochReport) -> None:
        """Show an epoch's figures."""
        line = (
            f"epoch {report.epoch}: loss {report.loss:.4f}, accuracy {report.accuracy:.1%},"
            f" {report.seconds:.1f} s"
        )
        if report.val is not None:
            best = ", the best so far" if report.best else ""
            figure = report.val.MAIN_FIGURE
            line += f"; val {column_name(figure)} {getattr(report.val, figure):.1%}{best}"
        self.say(line)

    def note(self, message: str) -> None:
        """Show a line."""
        self.say(message)

    def warn(self, message: str) -> None:
        """Show a warning."""
        if self.shown:
            warn(message)


def column_name(figure: str) -> str:
    """What a figure of metrics.jsonl is called in a table."""
    shown = figure.replace("mean_average_precision", "mAP").replace("frame_map", "frame_mAP")
    return shown.replace("_", " ")


def _describe(report: StartReport) -> str:
    processes = f"{report.processes} processes, each on " if report.processes > 1 else ""
    val = f", {report.val_clips:,} to validate with" if report.val_clips else ""
    return (
        f"{processes}{report.device}: {report.clips:,} clips of {report.classes} classes{val};"
        f" {report.parameters:,} parameters (--cnn {report.cnn})"
    )


def _figures(report: StepReport) -> str:
    return (
        f"loss {report.loss:.3f}, accuracy {report.accuracy:.1%},"
        f" {report.clips_per_s:.1f} clips/s, waiting {report.waiting:.0%}"
    )


def _duration(seconds: float) -> str:
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}"
