"""How far a training has come: what a checkpoint records besides the tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from lrcn_model.scoring.label_kinds import TrainingResult
from lrcn_model.training.step_figures import StepFigures

Score = tuple[float, ...]
"""How good weights are on the clips for validation, the greater the better: (accuracy or mAP, -loss
per frame); empty where there are no such clips."""


@dataclass(slots=True)
class Progress:
    """How far a training has come; saved in every checkpoint.

    Attributes:
        epoch: The number of epochs that have ended.
        samples_done: The number of the running epoch's clips that all processes together had taken
            when they last began to read; a checkpoint has those taken until it was written.
        step: The number of steps of the optimizer that have been done, over all epochs.
        loss: The sum of the losses of the running epoch.
        clips: The number of the running epoch's clips that have a label, or a frame with one.
        correct: The number of what is judged that was recognized; of sets of classes a sum of
            shares.
        seconds: The time that the running epoch has taken, in seconds.
        best: The score of the best weights so far; empty before there are any.
        stale: The number of epochs that have ended since those weights.
        weight: What the sum of the losses is divided by for the mean loss.
        judged: The number of the running epoch's clips, or frames, that have a label.
    """

    epoch: int = 0
    samples_done: int = 0
    step: int = 0
    loss: float = 0.0
    clips: int = 0
    correct: float = 0
    seconds: float = 0.0
    best: Score = ()
    stale: int = 0
    weight: float = 0.0
    judged: float = 0.0

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_record` gave.

        Raises:
            KeyError: A value is missing.
        """
        # an older version knew only losses of clips
        record = {"weight": record["clips"], "judged": record["clips"], **record}
        values = {field.name: record[field.name] for field in fields(cls)}
        return cls(**{**values, "best": tuple(values["best"])})

    def to_record(self, *, samples_done: int) -> dict[str, Any]:
        """The values as a checkpoint holds them.

        Args:
            samples_done: Clips of the running epoch that all processes have taken by now.
        """
        return asdict(self) | {"samples_done": samples_done}

    @property
    def mean_loss(self) -> float:
        """The mean loss of the running epoch, as its clips were trained on; 0 before the first."""
        return self.loss / (self.weight or 1)

    @property
    def accuracy(self) -> float:
        """Share of what is judged in the running epoch that was recognized while trained on."""
        return self.correct / (self.judged or 1)

    def is_finished(self, *, epochs: int, patience: int) -> bool:
        """Whether the training has come to its end.

        Args:
            epochs: Epochs that it is to have.
            patience: Epochs without better weights after which it ends early; 0 for never.
        """
        out_of_patience = bool(patience) and self.stale >= patience
        return out_of_patience or self.epoch >= epochs

    def add(self, figures: StepFigures) -> None:
        """Add the figures of a step to those of the running epoch."""
        self.loss += figures.loss
        self.clips += figures.clips
        self.weight += figures.weight
        self.judged += figures.judged
        self.correct += figures.correct

    def judge(self, score: Score) -> bool:
        """Compare the weights after an epoch with the best before, and remember the better score.

        Returns:
            Whether they are the best so far; without a score, the last ones always are.
        """
        best = not score or not self.best or score > self.best
        if best:
            self.best, self.stale = score, 0
        else:
            self.stale += 1
        return best

    def start_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch += 1
        self.samples_done = self.clips = 0
        self.loss = self.weight = self.judged = self.correct = self.seconds = 0.0


def score_of(val: TrainingResult | None) -> Score:
    """The score by which the weights of epochs are compared; empty without a validation."""
    if val is None:
        return ()
    figure: float = getattr(val, val.MAIN_FIGURE)
    # of clips without any class nothing ranks first, and the loss decides
    return (0.0 if math.isnan(figure) else figure, -val.frame_loss)
