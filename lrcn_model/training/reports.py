"""What a training reports at its start, after each step and each epoch, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.label_kinds import TrainingResult, json_result


@dataclass(frozen=True, kw_only=True, slots=True)
class StartReport:
    """What is known before the first step.

    Attributes:
        device: Name of the GPU, or the number of threads on a CPU, and the precision.
        processes: The number of processes that train together.
        cnn: The name of the CNN.
        parameters: The number of the net's parameters.
        clips: The number of clips to train on.
        val_clips: The number of clips to validate with.
        classes: The number of classes.
        steps: Steps that the training will have in all.
        steps_done: The number of those steps that were done before.
        epochs_done: Epochs that ended before.
    """

    device: str
    processes: int
    cnn: str
    parameters: int
    clips: int
    val_clips: int
    classes: int
    steps: int
    steps_done: int
    epochs_done: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheReport:
    """How far the clips are that are computed once, for all epochs.

    Attributes:
        what: What is computed of the clips: `features` or `frames`.
        done: The number of clips that this process has done.
        clips: The number of clips that this process does in all.
    """

    what: str
    done: int
    clips: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """What is known after a step.

    Attributes:
        step: Number of the step over all epochs, from 1.
        epoch: Number of its epoch, from 1.
        loss: Mean over the clips of the step.
        lr: Learning rate of the step.
        clips_per_s: Clips per second of late, over all processes.
        accuracy: Share of the running epoch's clips that were recognized so far, from 0 to 1; of
            sets of classes their mean overlap, as `set_losses` has it.
        waiting: Share of the time that was spent waiting for clips, from 0 to 1.
    """

    step: int
    epoch: int
    loss: float
    lr: float
    clips_per_s: float
    accuracy: float
    waiting: float

    def to_line(self) -> dict[str, Any]:
        """The step's line of metrics.jsonl."""
        return {
            "step": self.step,
            "epoch": self.epoch,
            "loss": self.loss,
            "lr": self.lr,
            "clips_per_s": round(self.clips_per_s, 2),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochReport:
    """What is known after an epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        step: Steps done by then, over all epochs.
        loss: Mean over the clips, as they were trained on.
        accuracy: Share of the clips that were recognized as they were trained on, from 0 to 1; of
            sets of classes their mean overlap, as `set_losses` has it.
        seconds: Time that the epoch took, with its validation.
        val: Scores on the clips for validation; None where there are no such clips.
        best: Whether the weights after this epoch are now the ones that the run keeps.
        calibration: How the probabilities of these weights are corrected; None for weights that are
            not kept, or where there are no clips for validation.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    seconds: float
    val: TrainingResult | None
    best: bool
    calibration: Calibration | None = None

    def to_line(self) -> dict[str, Any]:
        """The epoch's line of metrics.jsonl."""
        line: dict[str, Any] = {
            "step": self.step,
            "epoch": self.epoch,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "seconds": round(self.seconds, 2),
        }
        if self.val is not None:
            figures = json_result(self.val)
            line |= {f"val_{name}": figures[name] for name in self.val.EPOCH_FIGURES}
            line["best"] = self.best
        if self.calibration is not None:
            line |= {
                "val_temperature": self.calibration.temperature,
                "val_videos": self.calibration.videos,
            }
        return line

    def describe_weights(self) -> dict[str, Any]:
        """What the weights after this epoch stand for, as it is kept with them."""
        described: dict[str, Any] = {"epoch": self.epoch, "step": self.step}
        if self.val is not None:
            figure = self.val.MAIN_FIGURE
            described[f"val_{figure}"] = json_result(self.val)[figure]
        return described


class TrainingObserver(Protocol):
    """Is told what a training does."""

    def start(self, report: StartReport) -> None:
        """The training begins, or goes on."""

    def cache(self, report: CacheReport) -> None:
        """Some of the clips are done that are computed once, before the epochs."""

    def step(self, report: StepReport) -> None:
        """A step is done."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch has ended."""

    def note(self, message: str) -> None:
        """Something is worth knowing."""

    def warn(self, message: str) -> None:
        """Something is not as it should be, but the training goes on."""
