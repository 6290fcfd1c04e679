"""A search's progress on stderr: a line for each trial, and a bar on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .output import warn
from .progress import ProgressBar

if TYPE_CHECKING:
    from rich.progress import TaskID

    from lrcn_model.searching.trial import Outcome, TrialResult
    from lrcn_model.training.reports import CacheReport


class SearchProgress(ProgressBar):
    """Shows trials as they end."""

    def __init__(self) -> None:
        super().__init__()
        self._task: TaskID | None = None

    def start(self, number: int, trials: int) -> None:
        """Show which trial is done."""
        if self.bar:
            if self._task is None:
                self._task = self.bar.add_task("", total=trials, figures="")
            self.bar.update(self._task, description=f"trial {number}")

    def trial(self, result: TrialResult, best: TrialResult | None, trials: int, ended: int) -> None:
        """Say what a trial has come to."""
        if self.bar and self._task is not None:
            self.bar.update(self._task, completed=ended)
        which = f"trial {result.number} ({ended} of {trials})"
        line = f"{which}: {_described(result.outcome)}; {values_text(result.values)}"
        if best is not None and best.number == result.number:
            line += "; the best so far"
        self.say(line)

    def finalist(self, number: int, repeat: int, outcome: Outcome) -> None:
        """Say what a finalist has come to."""
        self.say(f"finalist {number} with other seed {repeat}: {_described(outcome)}")

    def cache(self, report: CacheReport) -> None:
        """Show how many clips are done that are computed once."""
        line = f"{report.what} of {report.done:,} of {report.clips:,} clips"
        if report.done == report.clips:
            self.say(line)
        else:
            self.now_and_then(lambda: line)

    def note(self, message: str) -> None:
        """Show a line."""
        self.say(message)

    def warn(self, message: str) -> None:
        """Show a warning."""
        warn(message)


def _described(outcome: Outcome) -> str:
    if outcome.figure is None:
        return f"{outcome.state}: {outcome.reason}"
    state = "" if not outcome.reason else f"{outcome.state} after {outcome.epochs} epochs, "
    return f"{state}val {outcome.figure:.1%} (epoch {outcome.epoch}), {outcome.seconds:.1f} s"


def values_text(values: Mapping[str, Any]) -> str:
    """The values of a trial in a line, rounded."""
    shown = {
        name: f"{one:.3g}" if isinstance(one, float) else str(one) for name, one in values.items()
    }
    return ", ".join(f"{name} {text}" for name, text in shown.items())
