"""A training from its options to its end: it has a folder, and no other training is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lrcn_data.errors import UsageError
from lrcn_data.printable import count_of
from lrcn_model.pictures.written_files import WrittenFiles
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.begin_with import Beginning, begin_with
from lrcn_model.training.loop import Training
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.preparation import Prepared, prepared
from lrcn_model.training.reports import TrainingObserver
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.run_pictures import show_beginning, show_end
from lrcn_model.training.run_record import (
    TrainedOn,
    check_same,
    processes_of,
    read_options,
    write_pretrained,
    write_record,
)
from lrcn_model.training.same_everywhere import check_same_everywhere, is_there_first
from lrcn_model.training.step_share import share_steps
from lrcn_model.training.stop_signals import StopSignals


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        folder: The run's folder.
        trained: Whether there was anything left to do.
        first: Whether this is the process, of several, that reports progress.
        test_shards: Patterns of the test shards that lie beside those trained on.
        files: Pictures and tables that were made of the run, for people to look at.
    """

    folder: Path
    trained: bool
    first: bool
    test_shards: list[str]
    files: Sequence[Path] = ()


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
            folder = choice.folder(options, trained_on)
            is_there = not choice.fresh and is_there_first(ranks, folder)
            options = _in_steps_as_before(ready, folder, is_there=is_there, observer=observer)
            goes_on = is_there and ranks.from_first(folder.has_checkpoint())
            beginning = Beginning()
            if not goes_on:
                beginning = begin_with(train_step.net, options, ready.data.train)
            if beginning.pretrained is not None:
                observer.note(beginning.pretrained.note())
            for sentence in beginning.warnings:
                observer.warn(sentence)
            if ranks.first:
                held.enter_context(_locked(folder))
                _open_folder(folder, ready, trained_on, fresh=choice.fresh)
                if beginning.pretrained is not None:
                    write_pretrained(folder, beginning.pretrained)
            ranks.wait()
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
            if shows and not goes_on:
                _warn_of(show_beginning(folder, options, ready.data.train.data_set), observer)
            trained = training.run()
            made = WrittenFiles()
            # one that was killed while it drew is drawn by the same command
            if shows and (trained or not folder.learning_curves.exists()):
                made = show_end(folder, ready.data.val)
                _warn_of(made.problems, observer)
            # the first process still writes when the others are done, and holds the connections
            ranks.wait()
        return Outcome(
            folder=folder.path,
            trained=trained,
            first=ranks.first,
            test_shards=ready.data.test_shards(),
            files=made.paths,
        )


def _in_steps_as_before(
    ready: Prepared, folder: RunFolder, *, is_there: bool, observer: TrainingObserver
) -> TrainOptions:
    """The options by which each process takes its share of the run's steps, as its data do then.

    Raises:
        UsageError: A step of the run can't be shared by so many processes.
        LrcnError: The run's files can't be read.
    """
    ranks = ready.ranks
    before = ranks.from_first(processes_of(folder) if is_there and ranks.first else None)
    options = share_steps(ready.options, before=before or ranks.count, now=ranks.count)
    if options is not ready.options:
        ready.data.take(options)
        observer.note(
            f"a step has the clips that it had with {count_of(before, 'process', 'processes')}:"
            f" {count_of(options.batch_size, 'clip')} in each of {ranks.count},"
            f" {count_of(options.accumulate, 'time')}"
        )
    return options


def _warn_of(problems: Sequence[str], observer: TrainingObserver) -> None:
    for problem in problems:
        observer.warn(problem)


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Make the folder, and let no other training into it.

    Raises:
        LrcnError: The folder can't be made, or another training is in it.
    """
    with ExitStack() as held:
        try:
            folder.make()
            held.enter_context(folder.lock())
        except OSError as error:
            raise UsageError(
                f"the run's folder {folder.path} can't be made or written to ({error.strerror});"
                " name another with --out"
            ) from error
        yield


def _open_folder(folder: RunFolder, ready: Prepared, trained_on: TrainedOn, *, fresh: bool) -> None:
    """Begin a run in a folder, or go on with the one that is there."""
    options, processes = ready.options, ready.ranks.count
    folder.remove_leftovers()
    if fresh:
        folder.clear()
    if folder.exists():
        check_same(folder, options, trained_on)
        before = read_options(folder).epochs
        options = replace(options, epochs=max(before, options.epochs))
        processes = processes_of(folder) or processes
    write_record(folder, options, trained_on, ready.environment(), processes)
