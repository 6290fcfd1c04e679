"""A training's progress on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .output import warn
from .progress import EVERY, ProgressBar

if TYPE_CHECKING:
    from lrcn_model.training.reports import EpochReport, StepReport


class TrainProgress(ProgressBar):
    """Shows steps and epochs. Only the first of several processes says anything."""

    def __init__(self) -> None:
        from lrcn_model.ranks import ranks_from_environment

        super().__init__(shown=ranks_from_environment().first)
        self._steps = 0
        self._said = self._began = time.monotonic()

    def start(self, *, steps: int, steps_done: int, epochs_done: int) -> None:
        """Say how many steps there will be, and where the training goes on."""
        self._steps, self._steps_before = steps, steps_done
        self._began = time.monotonic()
        if steps_done:
            self.say(f"going on after step {steps_done} of {steps}")
        if self.bar:
            self._task = self.bar.add_task(
                f"epoch {epochs_done + 1}", total=steps, completed=steps_done, figures=""
            )

    def step(self, report: StepReport) -> None:
        """Show a step's figures."""
        now = time.monotonic()
        if self.bar:
            self.bar.update(
                self._task,
                completed=report.step,
                description=f"epoch {report.epoch}",
                figures=_figures(report).replace("accuracy", "acc").replace("waiting", "wait"),
            )
        elif now - self._said > EVERY:
            self._said = now
            a_step = (now - self._began) / max(1, report.step - self._steps_before)
            left = _duration(a_step * (self._steps - report.step))
            self.say(
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
            line += f"; val accuracy {report.val.accuracy:.1%}{best}"
        self.say(line)

    def warn(self, message: str) -> None:
        """Show a warning."""
        if self.shown:
            warn(message)


def _figures(report: StepReport) -> str:
    return (
        f"loss {report.loss:.3f}, accuracy {report.accuracy:.1%},"
        f" {report.clips_per_s:.1f} clips/s, waiting {report.waiting:.0%}"
    )


def _duration(seconds: float) -> str:
    minutes, whole = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}"
