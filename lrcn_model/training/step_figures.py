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

_LOSS, _CLIPS, _CORRECT, _STOP_VOTES = range(4)
"""Where each figure lies in the packed tensor; the votes come last, the clips' figures before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepFigures:
    """What a step came to, over all of its batches and all processes.

    Attributes:
        loss: Sum of the clips' losses.
        clips: The number of clips with a labelled frame; the others count nowhere.
        correct: The number of these clips that were recognized; of sets of classes a sum of
            shares, see `set_losses`.
        stop_votes: The number of processes that had been asked to stop when they began the step.
    """

    loss: float
    clips: int
    correct: float
    stop_votes: int

    @property
    def mean_loss(self) -> float:
        """Loss per clip; 0 for a step without any clip that counts."""
        return self.loss / max(1, self.clips)


class StepSums:
    """The figures of a step while they are added up on the device.

    They share one tensor, so that one all-reduce adds them up over all processes, and one copy
    brings them to the host.

    Args:
        device: The device on which the step is computed.
        vote_to_stop: Whether this process has been asked to stop.
    """

    def __init__(self, device: torch.device, *, vote_to_stop: bool = False) -> None:
        packed = torch.zeros(4, dtype=torch.float64)
        packed[_STOP_VOTES] = vote_to_stop
        self._packed = packed.to(device, non_blocking=True)

    @property
    def clips(self) -> Tensor:
        """The number of clips that count, float64 (), on the device; perhaps not yet computed."""
        return self._packed[_CLIPS]

    def add(self, losses: ClipLosses) -> None:
        """Add the figures of a batch of this process."""
        parts = (losses.loss.detach(), losses.clips, losses.correct)
        self._packed[:_STOP_VOTES] += torch.stack([part.double() for part in parts])

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
        packed: float64 (4,), where the figures arrive, on the CPU.
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
        loss, clips, correct, stop_votes = self._packed.tolist()
        return StepFigures(loss=loss, clips=int(clips), correct=correct, stop_votes=int(stop_votes))
