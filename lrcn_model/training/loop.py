"""The training loop, from the last checkpoint to the last epoch.

    restore the last checkpoint
    for every epoch:
        at first, compute what is cached     ClipCaches
        for every step:
            forward, backward, update            TrainStep.run
            note the figures of the step before  StepFigures, MetricsLog
            now and then, save a checkpoint      Checkpoints
            stop if a signal asks for it         StopVote
        validate, and calibrate if best          Scorer, fit_calibration
        keep the weights if they are the best    save_weights
        save a checkpoint

What it is given is made in `run`: the data, the net with its optimizer, and the run's folder.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass

from lrcn_data.errors import LrcnError
from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.label_kinds import (
    TrainingResult,
    TrainingScorer,
    over_all_processes,
    training_kind,
)
from lrcn_model.scoring.trained_run import save_weights
from lrcn_model.training.checkpoint import CheckpointError, Checkpoints
from lrcn_model.training.clip_caches import ClipCaches, StoppedCaching
from lrcn_model.training.clock import EpochClock
from lrcn_model.training.data import TrainData
from lrcn_model.training.learning_rate import learning_rate
from lrcn_model.training.metrics_log import MetricsLog
from lrcn_model.training.not_finite import loss_not_finite, weights_not_finite
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.progress import Progress, score_of
from lrcn_model.training.reports import (
    EpochReport,
    StartReport,
    StepReport,
    TrainingObserver,
)
from lrcn_model.training.step import TrainStep
from lrcn_model.training.step_figures import FiguresUnderway
from lrcn_model.training.stop_signals import Stopped, StopSignals
from lrcn_model.training.stop_vote import StopVote
from lrcn_model.training.validation import keep_validation

_SELDOM = 60.0
"""The least seconds between two checkpoints of a run that keeps its figures only."""


@dataclass(frozen=True, slots=True)
class _StepUnderway:
    """A step that has been launched, and whose figures may still be being computed."""

    step: int
    keys: tuple[str, ...]
    figures: FiguresUnderway


class Training:
    """Trains one run to its end.

    Args:
        options: All values of the training.
        folder: The run's folder; it must exist.
        data: The clips to train on and to validate with.
        train_step: The net, with everything that changes it.
        ranks: The processes that train together.
        observer: The object that is told what happens.
        stop: The signals that ask this process to stop.
        figures_only: Whether the run is one of many that are tried, as `RunChoice` says it.
    """

    def __init__(
        self,
        options: TrainOptions,
        *,
        folder: RunFolder,
        data: TrainData,
        train_step: TrainStep,
        ranks: Ranks,
        observer: TrainingObserver,
        stop: StopSignals,
        figures_only: bool = False,
    ) -> None:
        self._options, self._folder, self._data = options, folder, data
        self._train_step, self._ranks, self._observer = train_step, ranks, observer
        self._stop_vote = StopVote(stop, ranks)
        self._figures_only, self._saved = figures_only, time.monotonic()
        self._checkpoints = Checkpoints(folder.checkpoints)
        self._caches = ClipCaches(
            options,
            data=data,
            train_step=train_step,
            folder=folder,
            ranks=ranks,
            observer=observer,
            go_on=lambda: not self._stop_vote.own,
        )
        self._log: MetricsLog | None = None
        self._progress = Progress()
        self._clock = EpochClock()
        # of the running epoch, since this process began to read it
        self._batches_taken = 0
        self._underway: _StepUnderway | None = None
        # of the last step whose figures are known
        self._last_keys: tuple[str, ...] = ()

    def run(self) -> bool:
        """Train from where the last checkpoint is to the last epoch.

        Returns:
            Whether there was anything left to do.

        Raises:
            LrcnError: A loss is no finite number, or a file can't be written.
            Stopped: The training was asked to stop, and has saved what it had done.
        """
        self._restore()
        progress = self._progress
        if self._is_finished():
            return False
        self._steps = progress.step + self._steps_left()
        self._observer.start(self._start_report())
        with self._open_log() as self._log:
            while not self._is_finished():
                self._train_epoch()
                self._end_epoch()
        return True

    def _start_report(self) -> StartReport:
        data, net, processor = self._data, self._train_step.net, self._train_step.processor
        return StartReport(
            device=f"{processor.name}, {processor.precision}",
            processes=self._ranks.count,
            cnn=net.config.cnn.name,
            parameters=sum(value.numel() for value in net.parameters()),
            clips=len(data.train_clips),
            val_clips=len(data.val_clips) if data.val_clips is not None else 0,
            classes=len(data.train.classes),
            steps=self._steps,
            steps_done=self._progress.step,
            epochs_done=self._progress.epoch,
        )

    def _train_epoch(self) -> None:
        """Take the steps that are left of the running epoch."""
        progress, options = self._progress, self._options
        of_step = self._data.shares.own_batches
        cached = self._cached(lambda: self._caches.train(progress.epoch))
        self._clock = EpochClock(seconds_before=progress.seconds)
        batches = self._data.train_batches(progress.epoch, progress.samples_done, cached)
        with closing(batches):
            for step_batches in self._clock.waiting_for(_in_groups(batches, of_step)):
                self._do_step(step_batches)
                if progress.step % options.checkpoint_every == 0 and self._data.resumable:
                    self._save()
                self._stop_if_asked()
        self._note_figures()
        progress.samples_done = self._samples_done()
        self._batches_taken = 0

    def _cached(self, clips: Callable[[], Clips | None]) -> Clips | None:
        """What is cached of clips, if anything.

        Raises:
            Stopped: A signal asked for it while the clips were computed.
        """
        try:
            return clips()
        except StoppedCaching:
            raise Stopped(
                self._stop_vote.signal_number,
                "stopped while clips were cached; the same command goes on from there",
            ) from None

    def _do_step(self, batches: list[ClipBatch]) -> None:
        """Do forward, backward and update, while the figures of the step before are looked at."""
        progress = self._progress
        sums = self._train_step.run(
            batches,
            step=progress.step,
            epoch=progress.epoch,
            lr=self._learning_rate(progress.step),
            shares=self._data.shares.own,
            vote_to_stop=self._stop_vote.own,
        )
        figures = sums.start_reading()
        self._note_figures()
        progress.step += 1
        self._batches_taken += len(batches)
        keys = tuple(key for batch in batches for key in batch.keys)
        self._underway = _StepUnderway(progress.step, keys, figures)

    def _note_figures(self) -> None:
        """Read and report the figures of the last step, unless that has been done.

        Raises:
            LrcnError: The loss is no finite number.
        """
        last, self._underway = self._underway, None
        if last is None:
            return
        figures, progress = last.figures.wait(), self._progress
        if not math.isfinite(figures.loss):
            raise loss_not_finite(last.step, figures.loss, last.keys, keys_before=self._last_keys)
        self._last_keys = last.keys
        self._stop_vote.count(figures.stop_votes)
        progress.add(figures)
        report = StepReport(
            step=last.step,
            epoch=progress.epoch + 1,
            loss=figures.mean_loss,
            lr=self._learning_rate(last.step - 1),
            clips_per_s=self._clock.rate(figures.clips, done_at=last.figures.done_at),
            accuracy=progress.accuracy,
            waiting=self._clock.share_waiting,
        )
        if self._log and (last.step % self._options.log_every == 0 or last.step == 1):
            self._log.write("step", report.to_line())
        self._observer.step(report)

    def _end_epoch(self) -> None:
        """Validate, keep the weights if they are the best, and go on to the next epoch."""
        progress = self._progress
        self._train_step.share_running_statistics()
        self._check_weights()
        scorer = self._validate() if self._data.val is not None else None
        val = self._result(scorer) if scorer else None
        best = progress.judge(score_of(val))
        keeps = best and not self._figures_only
        report = EpochReport(
            epoch=progress.epoch + 1,
            step=progress.step,
            loss=progress.mean_loss,
            accuracy=progress.accuracy,
            seconds=self._clock.seconds,
            val=val,
            best=best,
            calibration=self._data.fit_calibration(scorer) if scorer and keeps else None,
        )
        if keeps:
            self._keep_weights(report)
            self._keep_validation(scorer, report)
        if self._log:
            self._log.write("epoch", report.to_line())
        progress.start_epoch()
        if not self._figures_only or time.monotonic() - self._saved > _SELDOM:
            self._save(best=best and val is not None)
        self._observer.epoch(report)

    def _validate(self) -> TrainingScorer:
        """The scores of the clips for validation, which all processes share."""
        data = self._data
        kind = training_kind(
            multi_label=data.train.multi_label,
            labels_in_time=data.train.labels_in_time,
            smooth=self._options.smooth,
        )
        carried = CarriedState() if self._options.scores_carry_state else None
        scorer = kind.scorer(len(data.train.classes), self._options.average)
        cached = self._cached(self._caches.val)
        with closing(data.val_batches(cached)) as batches, self._train_step.scoring():
            for batch in batches:
                scorer.add(self._train_step.score(batch, carried), batch)
                if self._ranks.count == 1:
                    self._stop_if_asked()
        return over_all_processes(scorer, self._ranks)

    def _result(self, scorer: TrainingScorer) -> TrainingResult:
        """The figures of a validation."""
        assert self._data.val is not None
        return scorer.result(skipped=self._data.val.skipped, failed=self._data.val.failed)

    def _stop_if_asked(self) -> None:
        """Save and stop if a signal asks for it; several processes do so after the same step.

        Raises:
            Stopped: A signal asked for it.
        """
        if not self._stop_vote.passed:
            return
        where = "from the epoch's start"
        if self._data.resumable:
            self._save()
            where = "from there"
        raise Stopped(
            self._stop_vote.signal_number,
            f"stopped after step {self._progress.step}; the same command goes on {where}",
        )

    def _save(self, *, best: bool = False) -> None:
        """Write a checkpoint, of finite weights only; the first of several processes does it.

        Args:
            best: Whether it is the best on the clips for validation so far.
        """
        self._note_figures()
        self._check_weights()
        if self._log is None:
            return
        progress = self._progress
        if self._batches_taken:
            progress.seconds = self._clock.seconds
        record = progress.to_record(samples_done=self._samples_done())
        self._log.sync()
        self._checkpoints.save({**self._train_step.state_dict(), "progress": record}, best=best)
        self._folder.publish()
        self._saved = time.monotonic()

    def _restore(self) -> None:
        """Go back to the last checkpoint, if there is one; only the first process need see it."""
        state = None
        if self._ranks.first:
            state = self._checkpoints.load(self._warn)
        state = self._ranks.from_first(state)
        if state is None:
            return
        try:
            self._train_step.load_state_dict(state)
            self._progress = Progress.from_record(state["progress"])
        except (KeyError, ValueError, RuntimeError, TypeError) as error:
            raise CheckpointError(
                f"the checkpoint in {self._folder.checkpoints} is of another training: {error};"
                " use --fresh to train anew"
            ) from error

    def _keep_weights(self, report: EpochReport) -> None:
        """Write the weights that the run gives to scoring and predicting."""
        if self._ranks.first:
            step = self._train_step
            facts = self._data.facts(report.describe_weights(), report.calibration)
            save_weights(self._folder.weights, step.scored, step.preprocess, facts)

    def _keep_validation(self, scorer: TrainingScorer | None, report: EpochReport) -> None:
        """Write what these weights say of the clips for validation, for the run to show."""
        if scorer is None or not self._ranks.first:
            return
        try:
            keep_validation(
                self._folder,
                scorer,
                report,
                data=self._data,
                average=self._options.average,
                processor=self._train_step.processor,
            )
        except LrcnError as error:
            self._warn(str(error))

    def _check_weights(self) -> None:
        """Raise LrcnError if anything that would be saved is not finite."""
        if not self._train_step.is_finite():
            raise weights_not_finite(self._progress.step, self._last_keys)

    def _warn(self, message: str) -> None:
        self._observer.warn(self._folder.told(message))

    def _open_log(self) -> AbstractContextManager[MetricsLog | None]:
        """Where the figures are written; only the first of several processes writes them."""
        if not self._ranks.first:
            return nullcontext()
        return MetricsLog(
            self._folder.metrics,
            None if self._figures_only else self._folder.tensorboard,
            step=self._progress.step,
            epochs=self._progress.epoch,
        )

    def _is_finished(self) -> bool:
        options = self._options
        return self._progress.is_finished(epochs=options.epochs, patience=options.patience)

    def _steps_left(self) -> int:
        """Steps that are left of the whole training."""
        epoch = self._progress.epoch
        # clips of the running epoch may have been taken in steps of another size
        running = self._data.steps_left(epoch, self._progress.samples_done)
        later = range(epoch + 1, self._options.epochs)
        return running + sum(self._data.steps_left(one, 0) for one in later)

    def _learning_rate(self, step: int) -> float:
        return learning_rate(
            self._options, epoch=self._progress.epoch, step=step, steps=self._steps
        )

    def _samples_done(self) -> int:
        """Clips of the running epoch that all processes have taken."""
        if not self._batches_taken:
            return self._progress.samples_done
        return self._data.samples_done(self._batches_taken)


def _in_groups(batches: Iterator[ClipBatch], count: int) -> Iterator[list[ClipBatch]]:
    """The batches of each step, so many at a time; at the end of an epoch those that are left."""
    while group := list(itertools.islice(batches, count)):
        yield group
