"""What a step of training comes to: added up on the device, and read on the host one step later.

Reading a number from a GPU means to wait until everything before it has been computed. A training
therefore reads the figures of a step only when the next step has been launched, so that the GPU
never runs out of work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from lrcn_model.ranks import Ranks
from lrcn_model.scoring.loss import ClipLosses

_FIGURES = ("loss", "weight", "judged", "correct", "clips")
"""What of `ClipLosses` is packed, in this order; the votes to stop come behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFigures:
    """What a step came to, over all of its batches and all processes.

    Attributes:
        loss: The sum of all losses.
        weight: What this sum is divided by for the mean loss.
        judged: The number of clips, or of frames, that have a label; others count nowhere.
        correct: The number of those that were recognized; of sets of classes a sum of shares, see
            `set_losses`.
        clips: The number of clips with a labelled frame.
        stop_votes: The number of processes that had been asked to stop when they began the step.
    """

    loss: float
    weight: float
    judged: float
    correct: float
    clips: int
    stop_votes: int

    @property
    def mean_loss(self) -> float:
        """The mean loss; 0 for a step in which nothing has a label."""
        return self.loss / (self.weight or 1)


class StepSums:
    """The figures of a step while they are added up on the device.

    They share one tensor, so that one all-reduce adds them up over all processes, and one copy
    brings them to the host.

    Args:
        device: The device on which the step is computed.
        vote_to_stop: Whether this process has been asked to stop.
    """

    def __init__(self, device: torch.device, *, vote_to_stop: bool = False) -> None:
        packed = torch.zeros(len(_FIGURES) + 1, dtype=torch.float64)
        packed[-1] = vote_to_stop
        self._packed = packed.to(device, non_blocking=True)

    @property
    def weight(self) -> Tensor:
        """What the losses are divided by, float64 (), on the device; perhaps not yet computed."""
        return self._packed[_FIGURES.index("weight")]

    def add(self, losses: ClipLosses) -> None:
        """Add the figures of a batch of this process."""
        parts = (getattr(losses, name).detach().double() for name in _FIGURES)
        self._packed[:-1] += torch.stack([*parts])

    def add_other_processes(self, ranks: Ranks) -> None:
        """Add up the figures of all processes; each of them then has the sums over all."""
        ranks.sum_(self._packed)

    def start_reading(self) -> FiguresUnderway:
        """Have the figures brought to the host, without waiting for them."""
        if not self._packed.is_cuda:
            return FiguresUnderway(self._packed, ready=None)
        pinned = torch.empty_like(self._packed, device="cpu", pin_memory=True)
        pinned.copy_(self._packed, non_blocking=True)
        ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
        ready.record()
        return FiguresUnderway(pinned, ready=ready)

    def read(self) -> StepFigures:
        """The figures, as soon as they are computed."""
        return self.start_reading().wait()


class FiguresUnderway:
    """The figures of a step on their way from the device to the host.

    Args:
        packed: float64 (figures,), where the figures arrive, on the CPU.
        ready: When they have arrived; None where they are there already.

    Attributes:
        done_at: When the step was done, by `time.perf_counter`; on a GPU only `wait` finds it out.
    """

    def __init__(self, packed: Tensor, *, ready: torch.cuda.Event | None) -> None:
        self._packed = packed
        self._ready = ready
        self.done_at = time.perf_counter()

    def wait(self) -> StepFigures:
        """The figures, as soon as they have arrived."""
        if self._ready is not None:
            self._ready.synchronize()
            self.done_at = time.perf_counter()
        loss, weight, judged, correct, clips, stop_votes = self._packed.tolist()
        return StepFigures(
            loss=loss,
            weight=weight,
            judged=judged,
            correct=correct,
            clips=int(clips),
            stop_votes=int(stop_votes),
        )
