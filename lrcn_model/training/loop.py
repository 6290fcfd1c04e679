"""The training loop: epochs of steps, validation, checkpoints, metrics.

A step is in `train_step`, what is read in `train_data`; which folder it is in `train_run`.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

import torch
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.scorer import Result, Scorer, over_all_processes
from lrcn_model.scoring.weights import RunFacts, save_weights
from lrcn_model.training.checkpoint import CheckpointError, Checkpoints
from lrcn_model.training.data import TrainData
from lrcn_model.training.learning_rate import learning_rate
from lrcn_model.training.metrics_log import MetricsLog
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step import TrainStep
from lrcn_model.training.stop_signals import Stopped, StopSignals

_NAMED_KEYS = 8


@dataclass(slots=True)
class Progress:
    """How far a training has come; saved in every checkpoint.

    Attributes:
        epoch: Epochs ended.
        samples_done: Clips taken of the running one, by all processes.
        step: Steps done, over all epochs.
        loss: Sum over the running epoch's clips.
        clips: How many those are.
        correct: How many of them were recognized.
        seconds: That the running epoch has taken.
        best: (accuracy, -loss a frame) on val of the best weights; empty before the first.
        stale: Epochs ended since those.
    """

    epoch: int = 0
    samples_done: int = 0
    step: int = 0
    loss: float = 0.0
    clips: int = 0
    correct: int = 0
    seconds: float = 0.0
    best: tuple[float, ...] = ()
    stale: int = 0

    def start_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch += 1
        self.samples_done, self.clips, self.correct = 0, 0, 0
        self.loss = self.seconds = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """What is known after a step; `step` and `epoch` from 1."""

    step: int
    epoch: int
    loss: float
    lr: float
    clips_per_s: float
    accuracy: float
    waiting: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochReport:
    """What is known after an epoch.

    Attributes:
        epoch: From 1.
        step: Steps done, over all epochs.
        loss: Mean over the clips, as they were trained on.
        accuracy: Clips that were recognized as they were trained on.
        seconds: That it took.
        val: On the clips for validation, where there are any.
        best: Whether these are now the weights that are used.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    seconds: float
    val: Result | None
    best: bool


class TrainingObserver(Protocol):
    """Is told what a training does."""

    def start(self, *, steps: int, steps_done: int, epochs_done: int) -> None:
        """The training begins, or goes on, and will have so many steps in all."""

    def step(self, report: StepReport) -> None:
        """A step is done."""

    def epoch(self, report: EpochReport) -> None:
        """An epoch has ended."""

    def warn(self, message: str) -> None:
        """Something is not as it should be, but the training goes on."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A step whose figures may still be being computed."""

    step: int
    keys: tuple[str, ...]
    sums: Tensor
    ready: torch.cuda.Event | None


class Training:
    """Trains one run to its end.

    Args:
        options: All values.
        folder: Of the run; must exist.
        data: What is read.
        train_step: What is trained.
        processor: Where.
        ranks: Who trains together.
        observer: Is told what happens.
        stop: Asked between two steps whether to stop.
    """

    def __init__(
        self,
        options: TrainOptions,
        *,
        folder: RunFolder,
        data: TrainData,
        train_step: TrainStep,
        processor: Processor,
        ranks: Ranks,
        observer: TrainingObserver,
        stop: StopSignals,
    ) -> None:
        self._options, self._folder, self._data = options, folder, data
        self._train_step, self._processor, self._ranks = train_step, processor, ranks
        self._observer, self._stop = observer, stop
        self._checkpoints = Checkpoints(folder.checkpoints)
        self._progress = Progress()
        self._pending: _Pending | None = None
        self._batches = 0
        self._last_keys: tuple[str, ...] = ()
        self._all_asked = False
        self._log: MetricsLog | None = None

    def run(self) -> bool:
        """Train from where the last checkpoint is to the last epoch.

        Returns:
            Whether there was anything left to do.

        Raises:
            LrcnError: A loss that is no number, or a file that can't be written.
            Stopped: It was asked to stop, and has saved what it had done.
        """
        self._restore()
        progress, epochs = self._progress, self._options.epochs
        if self._finished:
            return False
        whole = self._data.steps_left(0)
        # samples of the running epoch may have been taken in steps of another size
        left = self._data.steps_left(progress.samples_done) + (epochs - progress.epoch - 1) * whole
        self._steps = progress.step + left
        self._observer.start(
            steps=self._steps, steps_done=progress.step, epochs_done=progress.epoch
        )
        if not self._ranks.first:
            self._run_epochs()
            return True
        with MetricsLog(
            self._folder.metrics,
            self._folder.tensorboard,
            step=progress.step,
            epochs=progress.epoch,
        ) as self._log:
            self._run_epochs()
        return True

    @property
    def _finished(self) -> bool:
        progress, options = self._progress, self._options
        waited = bool(options.patience) and progress.stale >= options.patience
        return waited or progress.epoch >= options.epochs

    def _learning_rate(self, step: int) -> float:
        return learning_rate(
            self._options, epoch=self._progress.epoch, step=step, steps=self._steps
        )

    def _run_epochs(self) -> None:
        while not self._finished:
            self._train_epoch()
            self._end_epoch()

    def _train_epoch(self) -> None:
        """Take the steps that are left of the running epoch."""
        progress, options = self._progress, self._options
        self._batches = 0
        self._began = time.perf_counter() - progress.seconds
        self._clock = _Clock()
        with closing(self._data.train_batches(progress.epoch, progress.samples_done)) as batches:
            for group in self._clock.waiting(_groups(batches, options.accumulate)):
                self._train_group(group)
        self._settle()
        progress.samples_done = self._samples_done()
        self._batches = 0

    def _train_group(self, group: list[ClipBatch]) -> None:
        """Do a step, while the figures of the one before are looked at."""
        progress = self._progress
        sums = self._train_step.run(
            group,
            step=progress.step,
            epoch=progress.epoch,
            lr=self._learning_rate(progress.step),
            asked=self._stop.received is not None,
        )
        self._settle()
        progress.step += 1
        self._batches += len(group)
        self._pending = self._launched(group, sums)
        if progress.step % self._options.checkpoint_every == 0 and self._data.resumable:
            self._save()
        self._stop_if_asked()

    def _end_epoch(self) -> None:
        """Validate, keep the weights if they are the best, and go on to the next epoch."""
        progress = self._progress
        self._train_step.agree()
        self._check_weights()
        val = self._validate() if self._data.val is not None else None
        score = () if val is None else (val.accuracy, -val.frame_loss)
        best = val is None or not progress.best or score > progress.best
        progress.seconds = time.perf_counter() - self._began
        report = EpochReport(
            epoch=progress.epoch + 1,
            step=progress.step,
            loss=progress.loss / max(1, progress.clips),
            accuracy=progress.correct / max(1, progress.clips),
            seconds=progress.seconds,
            val=val,
            best=best,
        )
        progress.stale += 1
        if best:
            progress.best, progress.stale = score, 0
            self._save_weights(report)
        if self._log:
            self._log.write("epoch", _epoch_line(report))
        progress.start_epoch()
        self._save(best=best and val is not None)
        self._observer.epoch(report)

    def _launched(self, group: list[ClipBatch], sums: Tensor) -> _Pending:
        """Have a step's figures brought to the host without waiting for them."""
        ready = None
        if self._processor.is_cuda:
            sums = torch.empty_like(sums, device="cpu", pin_memory=True).copy_(
                sums, non_blocking=True
            )
            ready = torch.cuda.Event()  # type: ignore[no-untyped-call]
            ready.record()
        keys = tuple(key for batch in group for key in batch.keys)
        return _Pending(self._progress.step, keys, sums, ready)

    def _settle(self) -> None:
        """Read the figures of the step before, when the device is already at the next one.

        Raises:
            LrcnError: Its loss is no number.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return
        if pending.ready is not None:
            pending.ready.synchronize()
        loss, clips, correct, asked = pending.sums.tolist()
        if not math.isfinite(loss):
            raise _not_finite(
                f"the loss of step {pending.step} is {loss}", pending.keys, before=self._last_keys
            )
        self._last_keys = pending.keys
        self._all_asked = asked > 0
        progress = self._progress
        progress.loss += loss
        progress.clips += int(clips)
        progress.correct += int(correct)
        report = StepReport(
            step=pending.step,
            epoch=progress.epoch + 1,
            loss=loss / max(1.0, clips),
            lr=self._learning_rate(pending.step - 1),
            clips_per_s=self._clock.rate(int(clips)),
            accuracy=progress.correct / max(1, progress.clips),
            waiting=self._clock.share_waiting,
        )
        if self._log and (pending.step % self._options.log_every == 0 or pending.step == 1):
            self._log.write("step", _step_line(report))
        self._observer.step(report)

    def _stop_if_asked(self) -> None:
        """Save and stop if a signal came; several processes do so at the same step.

        Raises:
            Stopped: One came.
        """
        alone = self._ranks.count == 1
        if not (self._stop.received is not None if alone else self._all_asked):
            return
        where = "from the epoch's start"
        if self._data.resumable:
            self._save()
            where = "from there"
        raise Stopped(
            self._stop.received or 15,
            f"stopped after step {self._progress.step}; the same command goes on {where}",
        )

    def _validate(self) -> Result:
        """Score the clips for validation, shared by all processes."""
        net, preprocess, data = self._train_step.scored, self._train_step.preprocess, self._data
        assert data.val is not None
        scorer = Scorer(len(data.train.classes), self._options.average)
        net.eval()
        with (
            closing(data.val_batches()) as batches,
            torch.inference_mode(),
            self._processor.precise(),
        ):
            for batch in batches:
                scorer.add(net(preprocess(batch)), batch)
                if self._ranks.count == 1:
                    self._stop_if_asked()
        whole = over_all_processes(scorer, self._ranks)
        return whole.result(skipped=data.val.skipped, failed=data.val.failed)

    def _save(self, *, best: bool = False) -> None:
        """Write a checkpoint, of good weights only."""
        self._settle()
        self._check_weights()
        if self._log is None:
            return
        progress = self._progress
        progress.seconds = time.perf_counter() - self._began if self._batches else progress.seconds
        saved = asdict(progress) | {"samples_done": self._samples_done()}
        self._log.sync()
        self._checkpoints.save({**self._train_step.state_dict(), "progress": saved}, best=best)

    def _restore(self) -> None:
        """Go back to the last checkpoint, if there is one."""
        state = self._checkpoints.load(self._observer.warn, may_repair=self._ranks.first)
        if state is None:
            return
        try:
            self._train_step.load_state_dict(state)
            saved = state["progress"]
            values = {f.name: saved[f.name] for f in fields(Progress)}
            self._progress = Progress(**{**values, "best": tuple(values["best"])})
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise CheckpointError(
                f"the checkpoint in {self._folder.checkpoints} is of another training: {error};"
                " use --fresh to train anew"
            ) from error

    def _save_weights(self, report: EpochReport) -> None:
        if not self._ranks.first:
            return
        data = self._data.train
        trained: dict[str, Any] = {"epoch": report.epoch, "step": report.step}
        if report.val is not None:
            trained["val_accuracy"] = report.val.accuracy
        save_weights(
            self._folder.weights,
            self._train_step.scored,
            self._train_step.preprocess,
            RunFacts(
                classes=data.classes,
                seq_len=data.seq_len,
                fps=data.fps,
                average=self._options.average,
                stored_size=data.stored_size,
                trained=trained,
            ),
        )

    def _check_weights(self) -> None:
        if not self._train_step.is_finite():
            step = self._progress.step
            raise _not_finite(
                f"the weights or the optimizer's state are no numbers after step {step}",
                self._last_keys,
            )

    def _samples_done(self) -> int:
        """Clips of the running epoch that all processes have taken."""
        if not self._batches:
            return self._progress.samples_done
        return self._data.sampler.state_dict(self._batches)["samples_done"]


class _Clock:
    """How fast the clips go through, and what share of the time is spent waiting for them."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._waited = 0.0
        self._rate = 0.0

    def waiting(self, groups: Iterable[list[ClipBatch]]) -> Iterator[list[ClipBatch]]:
        """The groups, with the time noted that each makes one wait."""
        iterator = iter(groups)
        while True:
            began = time.perf_counter()
            group = next(iterator, None)
            self._waited += time.perf_counter() - began
            if group is None:
                return
            yield group

    def rate(self, clips: int) -> float:
        """Clips a second, of late, now that some more are done."""
        now = time.perf_counter()
        rate = clips / max(now - self._last, 1e-9)
        self._rate = rate if not self._rate else 0.9 * self._rate + 0.1 * rate
        self._last = now
        return self._rate

    @property
    def share_waiting(self) -> float:
        """From 0 to 1."""
        return self._waited / max(time.perf_counter() - self._began, 1e-9)


def _groups(batches: Iterator[ClipBatch], count: int) -> Iterator[list[ClipBatch]]:
    """Batches, so many at a time; at the end of an epoch what is left."""
    while group := list(itertools.islice(batches, count)):
        yield group


def _step_line(report: StepReport) -> dict[str, Any]:
    return {
        "step": report.step,
        "epoch": report.epoch,
        "loss": report.loss,
        "lr": report.lr,
        "clips_per_s": round(report.clips_per_s, 2),
    }


def _epoch_line(report: EpochReport) -> dict[str, Any]:
    line: dict[str, Any] = {
        "step": report.step,
        "epoch": report.epoch,
        "loss": report.loss,
        "accuracy": report.accuracy,
        "seconds": round(report.seconds, 2),
    }
    if report.val is not None:
        line |= {
            "val_accuracy": report.val.accuracy,
            "val_top5": report.val.top5,
            "val_mean_class_accuracy": report.val.mean_class_accuracy,
            "val_frame_accuracy": report.val.frame_accuracy,
            "val_frame_loss": report.val.frame_loss,
            "best": report.best,
        }
    return line


def _not_finite(what: str, keys: tuple[str, ...], *, before: tuple[str, ...] = ()) -> LrcnError:
    """The error of a step; of the one before too, whose update may be what it comes from."""
    blamed = f"clips {_named(keys)}"
    if before:
        blamed += f"; or of the step before: {_named(before)}"
    return LrcnError(
        f"{what} ({blamed}); nothing of it was saved: try a smaller --lr, --clip-grad 1"
        " or --amp off, and look at the clips with `lrcn-data preview`"
    )


def _named(keys: tuple[str, ...]) -> str:
    more = f" and {len(keys) - _NAMED_KEYS} more" if len(keys) > _NAMED_KEYS else ""
    return ", ".join(keys[:_NAMED_KEYS]) + more
