"""One training of a search: a trial, or a finalist with another seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lrcn_model.run_folder import RunFolder
from lrcn_model.training.metrics_log import epoch_lines, kept_epoch, main_figure
from lrcn_model.training.not_finite import NotFiniteError
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.reports import CacheReport, EpochReport
from lrcn_model.training.run import run_training
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.stop_signals import StopSignals
from lrcn_model.training.train import SilentObserver

FINISHED, PRUNED, DIVERGED, FAILED = "finished", "pruned", "diverged", "failed"
"""How a trial may end: all epochs done; ended early; a loss that is no number; values that make no
training together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a training has come to.

    Attributes:
        state: How it ended: finished, pruned, diverged or failed.
        figure_name: The name of the main figure, such as accuracy; empty before the first epoch.
        figure: The main figure on the validation shards after the best epoch, from 0 to 1: that of
            the epoch whose weights lrcn-train would keep; None before the first.
        loss: The loss per frame on them after that epoch.
        epoch: The number of that epoch, from 1.
        epochs: The number of epochs trained.
        seconds: The time that the epochs took.
        reason: Why it didn't finish; empty where it did.
    """

    state: str
    figure_name: str = ""
    figure: float | None = None
    loss: float | None = None
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """A trial that has ended.

    Attributes:
        number: The trial's number, from 0.
        values: The values drawn, by the names of the space, as a TOML file has them.
        outcome: What its training has come to.
    """

    number: int
    values: Mapping[str, Any] = field(hash=False)
    outcome: Outcome

    @property
    def rank(self) -> tuple[float, float, int]:
        """What trials are sorted by, the best first: the figure, then the loss."""
        figure, loss = self.outcome.figure, self.outcome.loss
        return (
            -math.inf if figure is None else -figure,
            math.inf if loss is None else loss,
            self.number,
        )


class PrunedTrial(Exception):
    """The trial was ended early."""


class Listener(Protocol):
    """Is told what is worth showing of the trainings of a search."""

    def cache(self, report: CacheReport) -> None:
        """Some of the clips are done that are computed once."""

    def note(self, message: str) -> None:
        """Something is worth knowing."""

    def warn(self, message: str) -> None:
        """Something is not as it should be."""


class TrialObserver(SilentObserver):
    """Hears a trial's training: ends it early, and passes on what is worth showing.

    Args:
        listener: The object that is told.
        prune: Given an epoch, from 1, and its figure: whether the trial is to end there.
    """

    def __init__(self, listener: Listener, prune: Callable[[int, float], bool]) -> None:
        self._listener, self._prune = listener, prune

    def cache(self, report: CacheReport) -> None:
        """Pass it on."""
        self._listener.cache(report)

    def note(self, message: str) -> None:
        """Pass it on."""
        self._listener.note(message)

    def warn(self, message: str) -> None:
        """Pass it on."""
        self._listener.warn(message)

    def epoch(self, report: EpochReport) -> None:
        """Raise PrunedTrial where the trial is to end."""
        assert report.val is not None
        figure: float = getattr(report.val, report.val.MAIN_FIGURE)
        if self._prune(report.epoch, 0.0 if math.isnan(figure) else figure):
            raise PrunedTrial


def train_trial(
    options: TrainOptions, choice: RunChoice, observer: TrialObserver, stop: StopSignals
) -> Outcome:
    """Train a trial, or go on training it, to its end.

    Args:
        options: All values of the training.
        choice: Its run, whose folder is named.
        observer: The object that is told what happens.
        stop: The signals that ask this process to stop.

    Raises:
        LrcnError: The training can't be done for a reason that is none of its values'.
        Stopped: The training was asked to stop, and has saved what it had done.
    """
    assert choice.out is not None
    state, reason = FINISHED, ""
    try:
        run_training(options, choice, observer, stop)
    except PrunedTrial:
        state, reason = PRUNED, "worse than half of the trials after as many epochs"
    except NotFiniteError as error:
        state, reason = DIVERGED, str(error)
    return outcome_of(RunFolder(choice.out), state, reason)


def outcome_of(folder: RunFolder, state: str, reason: str = "") -> Outcome:
    """What the figures of a run say that has ended."""
    lines = epoch_lines(folder.metrics) if folder.metrics.exists() else []
    if not lines:
        return Outcome(state=state, reason=reason)
    kept = kept_epoch(lines)
    name = main_figure(kept)
    return Outcome(
        state=state,
        figure_name=name,
        # of clips without any class there is no mAP
        figure=kept[f"val_{name}"] or 0.0,
        loss=kept["val_frame_loss"],
        epoch=kept["epoch"],
        epochs=lines[-1]["epoch"],
        seconds=round(sum(line["seconds"] for line in lines), 2),
        reason=reason,
    )
