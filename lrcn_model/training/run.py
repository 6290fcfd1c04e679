"""A training from its options to its end: it has a folder, and no other training is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import gethostname
from typing import Any

from lrcn_data.errors import UsageError
from lrcn_data.printable import count_of
from lrcn_model.pictures.written_files import WrittenFiles
from lrcn_model.ranks import Ranks
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import CHECKPOINTS, FILES, RunFolder
from lrcn_model.training.begin_with import Beginning, begin_with
from lrcn_model.training.loop import Training
from lrcn_model.training.metrics_log import epoch_lines
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.preparation import Prepared, prepared
from lrcn_model.training.reports import TrainingObserver
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.run_pictures import show_beginning, show_end
from lrcn_model.training.run_record import (
    TrainedOn,
    check_same,
    read_options,
    read_processes,
    write_pretrained,
    write_record,
)
from lrcn_model.training.same_everywhere import check_first_sees, check_same_everywhere
from lrcn_model.training.step_shares import StepShares, step_shares
from lrcn_model.training.stop_signals import StopSignals


class RunFolderError(UsageError):
    """The folder of a run can't be made or written to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        folder: The run's folder: its path or, in a store, its URL.
        trained: Whether there was anything left to do.
        first: Whether this is the process, of several, that reports progress.
        test_shards: Patterns of the test shards that lie beside those trained on.
        epochs: The lines of metrics.jsonl about epochs; none where this isn't the first process.
        files: Pictures and tables that were made of the run, for people to look at: their paths or
            URLs.
    """

    folder: Path | str
    trained: bool
    first: bool
    test_shards: list[str]
    epochs: Sequence[Mapping[str, Any]] = ()
    files: Sequence[Path | str] = ()


def run_training(
    options: TrainOptions, choice: RunChoice, observer: TrainingObserver, stop: StopSignals
) -> Outcome:
    """Train, or go on training, to the last epoch.

    Args:
        options: All values of the training.
        choice: The run that the training begins or goes on with.
        observer: The object that is told what happens.
        stop: The signals that ask this process to stop.

    Raises:
        LrcnError: The training can't be done; the message says why and what helps.
        Stopped: The training was asked to stop, and has saved what it had done.
    """
    with prepared(options, choice.plugins) as ready:
        ranks, trained_on = ready.ranks, ready.data.trained_on()
        check_same_everywhere(ranks, options, trained_on)
        for sentence in ready.data.warnings():
            observer.warn(sentence)
        with ExitStack() as held:
            # before there is a folder, so that values that make no net leave none behind
            train_step = held.enter_context(closing(ready.new_train_step()))
            run = choice.folder(options, trained_on)
            if not choice.fresh:
                check_first_sees(ranks.gather((gethostname(), run.exists())), run)
            beginning = Beginning()
            # other machines need not see the folder, nor the weights to begin with
            if ranks.first and (choice.fresh or not run.has_checkpoint()):
                beginning = begin_with(train_step.net, options, ready.data.train)
            if beginning.pretrained is not None:
                observer.note(beginning.pretrained.note())
            for sentence in beginning.warnings:
                observer.warn(sentence)
            begun_with = ranks.count
            folder = held.enter_context(_opened(run, ranks, fresh=choice.fresh))
            if ranks.first:
                begun_with = _open_folder(folder, ready, trained_on, fresh=choice.fresh)
                if beginning.pretrained is not None:
                    write_pretrained(folder, beginning.pretrained)
                folder.publish()
            shares = step_shares(options, ranks, ranks.from_first(begun_with))
            if begun_with != ranks.count:
                observer.note(_other_processes(begun_with, shares, ranks))
            ready.data.take_shares(shares)
            train_step.share_weights()
            training = Training(
                options,
                folder=folder,
                data=ready.data,
                train_step=train_step,
                ranks=ranks,
                observer=observer,
                stop=stop,
                figures_only=choice.figures_only,
            )
            shows = choice.pictures and ranks.first
            if shows and not folder.has_checkpoint():
                problems = show_beginning(folder, options, ready.data.train.data_set)
                _warn_of(map(folder.told, problems), observer)
            trained = training.run()
            made = WrittenFiles()
            # one that was killed while it drew is drawn by the same command
            if shows and (trained or not folder.learning_curves.exists()):
                made = show_end(folder, ready.data.val)
                _warn_of(map(folder.told, made.problems), observer)
            # the first process still writes when the others are done, and holds the connections
            ranks.wait()
            return Outcome(
                folder=folder.place(folder.path),
                trained=trained,
                first=ranks.first,
                test_shards=ready.data.test_shards(),
                epochs=epoch_lines(folder.metrics) if ranks.first else [],
                files=[folder.place(path) for path in made.paths],
            )


def _warn_of(problems: Iterable[str], observer: TrainingObserver) -> None:
    for problem in problems:
        observer.warn(problem)


@contextmanager
def _opened(run: RunFolder, ranks: Ranks, *, fresh: bool) -> Iterator[RunFolder]:
    """A run's folder on this machine; the first process makes it, and lets no other training in.

    Raises:
        RunFolderError: The folder can't be made or written to.
        LrcnError: Another training is in it.
    """
    with ExitStack() as held:
        if not ranks.first:
            yield held.enter_context(on_this_machine(run))
            return
        try:
            run.make()
            still_held = held.enter_context(run.lock())
        except OSError as error:
            raise RunFolderError(
                f"the run's folder {run} can't be made or written to"
                f" ({error.strerror or error}); name another with --out"
            ) from error
        wanted = () if fresh else (*FILES, CHECKPOINTS)
        yield held.enter_context(on_this_machine(run, wanted, still_held))


def _open_folder(folder: RunFolder, ready: Prepared, trained_on: TrainedOn, *, fresh: bool) -> int:
    """Begin a run in a folder, or go on with the one that is there.

    Returns:
        The number of processes that the run was begun with.
    """
    options, ranks = ready.options, ready.ranks
    folder.remove_leftovers()
    if fresh:
        folder.clear()
    begun_with = ranks.count
    if folder.exists():
        check_same(folder, options, trained_on)
        begun_with = read_processes(folder) or ranks.count
        # before anything is written
        step_shares(options, ranks, begun_with)
        before = read_options(folder).epochs
        options = replace(options, epochs=max(before, options.epochs))
    write_record(folder, options, trained_on, ready.environment(), processes=begun_with)
    return begun_with


def _other_processes(begun_with: int, shares: StepShares, ranks: Ranks) -> str:
    """What becomes of the steps of a run that was begun with other processes, for the user."""
    before = f"the run was begun with {count_of(begun_with, 'process', 'processes')}: a step stays"
    if shares.count == begun_with:
        how = f"each process does the work of {len(shares.own)}"
    else:
        how = (
            f"--batch-size {shares.batch_size} and --accumulate {shares.accumulate} in each of"
            f" {ranks.count}, with dropout, mixup and batch normalization of their own"
        )
    return f"{before} at {count_of(shares.clips, 'clip')}; {how}"
