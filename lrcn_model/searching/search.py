"""A search, from its file to the best values: trials, then the best of them with other seeds.

    open the study, or the one that is there       SearchStudy
    while there is a trial to take:
        draw its values, train it, note its figure  train_trial
    train the best again with other seeds           the same, in runs that keep their weights
    rank them by the mean, write what was found     search_report, search_picture

Several processes do it together where the same command is started several times.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.shard_patterns import Patterns, each_pattern
from lrcn_model.nets.net import LRCN
from lrcn_model.processor import MemoryRanOutError
from lrcn_model.ranks import ranks_from_environment
from lrcn_model.searching.claims import Claims
from lrcn_model.searching.search_config import SearchConfig
from lrcn_model.searching.search_folder import SearchFolder
from lrcn_model.searching.search_observer import OnceEach, SearchObserver, SilentSearchObserver
from lrcn_model.searching.search_options import SearchOptions
from lrcn_model.searching.search_picture import draw_search
from lrcn_model.searching.search_report import write_best, write_table
from lrcn_model.searching.search_result import Finalist, SearchResult, distinct, ranked
from lrcn_model.searching.search_space import space_as_record
from lrcn_model.searching.study import SearchStudy, TakenTrial, database_faults
from lrcn_model.searching.trial import (
    FAILED,
    FINISHED,
    Outcome,
    TrialObserver,
    TrialResult,
    train_trial,
)
from lrcn_model.training.begin_with import begin_with
from lrcn_model.training.options import NET_OPTIONS, OPTIONS
from lrcn_model.training.preparation import Prepared, prepared
from lrcn_model.training.run import RunFolderError
from lrcn_model.training.run_choice import RunChoice
from lrcn_model.training.stop_signals import Stopped, StopSignals

_BEGINNING = ("init", "pretrained", "freeze")
"""The options that say with which weights a training begins."""

_LOOK_AGAIN = 0.5
"""The seconds between two looks whether other processes have finished."""


def search(
    config: str | os.PathLike[str],
    *,
    trials: int,
    shards: Patterns = (),
    val_shards: Patterns = (),
    sampler: str = "random",
    pruning: str = "none",
    seed: int = 0,
    finalists: int = 3,
    repeat: int = 3,
    out: str | os.PathLike[str] | None = None,
    plugins: Sequence[str] = (),
    observer: SearchObserver | None = None,
    stop: StopSignals | None = None,
) -> SearchResult:
    """Search for values that a training does well with, or go on with a search.

    If a search was stopped or killed, the same call goes on from there. Processes that make the
    same call at the same time share its trials.

    Args:
        config: A TOML file as `train` takes it, with a [search] table of what is searched.
        trials: The number of trials in all, over all calls and processes.
        shards: The shards to train on; none for those of the file.
        val_shards: The shards whose figure is maximized; none for those of the file.
        sampler: How values are drawn: "random", each trial by itself, or "tpe".
        pruning: Which trials end early: "none", or with "median" those that are worse than half of
            the others were after as many epochs.
        seed: The seed with which values are drawn; trainings have that of the file.
        finalists: The number of the best trials that are trained again.
        repeat: The number of other seeds with which each of those is trained.
        out: The folder that all is written into; None for `runs/search-<file>`.
        plugins: Names of plug-ins that may be imported, where one has made the frames.
        observer: The object that is told what happens; None for nobody.
        stop: The signals that ask this process to stop; None where they do what they do in the
            caller's program.

    Returns:
        All trials and finalists, the best first.

    Raises:
        UsageError: A value is unknown, out of range, or the folder has another search.
        LrcnError: The search can't be done; the message says why and what helps.
        Stopped: A signal asked for it; what was done is saved.
    """
    options = SearchOptions(
        trials=trials,
        sampler=sampler,
        pruning=pruning,
        seed=seed,
        finalists=finalists,
        repeat=repeat,
    )
    patterns = {"shards": shards, "val_shards": val_shards}
    given = {name: tuple(each_pattern(one)) for name, one in patterns.items() if one}
    path = Path(config)
    if ranks_from_environment().count > 1:
        raise UsageError(
            "a search isn't started by torchrun; start the same command several times instead"
        )
    running = _Search(
        config=SearchConfig.read(path, given),
        options=options,
        folder=SearchFolder(None if out is None else os.fspath(out), path),
        plugins=tuple(plugins),
        observer=observer or SilentSearchObserver(),
        stop=stop or StopSignals(),
    )
    return running.run()


class _Search:
    """One process's part in a search."""

    def __init__(
        self,
        *,
        config: SearchConfig,
        options: SearchOptions,
        folder: SearchFolder,
        plugins: tuple[str, ...],
        observer: SearchObserver,
        stop: StopSignals,
    ) -> None:
        self._config, self._options, self._folder = config, options, folder
        self._plugins, self._observer, self._stop = plugins, OnceEach(observer), stop

    def run(self) -> SearchResult:
        record = self._record()
        self._folder.make()
        with Claims(self._folder.claims) as claims, database_faults(self._folder.study):
            with claims.turn():
                study = SearchStudy(self._folder, self._config.space, self._options, claims, record)
            try:
                self._do_trials(study)
                finalists = self._do_finalists(study)
            except Stopped as stopped:
                raise self._stopped(study, stopped) from None
            result = self._result(study, finalists)
            with claims.turn():
                self._write(study, result)
        return result

    def _record(self) -> dict[str, Any]:
        """What makes this search another one than others; opens the data and builds the nets.

        Raises:
            LrcnError: The data can't be had, or values that are to be tried make no net.
        """
        options = self._config.options(self._config.first())
        if not options.val_shards:
            raise UsageError(
                "a search maximizes a figure on shards that it doesn't train on; name some with"
                " --val-shards"
            )
        with prepared(options, self._plugins) as ready:
            for sentence in ready.data.warnings():
                self._observer.warn(sentence)
            self._try_nets(ready, new=not self._folder.study.exists())
            trained_on = ready.data.trained_on().as_record()
        # a CNN's plug-in differs with what is drawn, and is told by its name
        trained_on.pop("plugins", None)
        values = {
            name: OPTIONS[name].kind.to_toml(value)
            for name, value in self._config.values.items()
            if name not in self._config.space and (OPTIONS[name].in_losses or name == "patience")
        }
        drawing = {name: getattr(self._options, name) for name in ("sampler", "pruning", "seed")}
        space = space_as_record(self._config.space)
        return {**trained_on, **drawing, "values": values, "space": space}

    def _try_nets(self, ready: Prepared, *, new: bool) -> None:
        """Build the nets that are to be tried, with the weights that they begin with.

        Only that tells whether it can be done. Of a search that goes on one is enough, as the
        weights may be gone by now.
        """
        data = ready.data.train
        tried: list[Any] = []
        for drawn in self._config.trying_each() if new else [self._config.first()]:
            options = self._config.options(drawn)
            net = options.net
            if (beginning := (net, *(getattr(options, name) for name in _BEGINNING))) in tried:
                continue
            tried.append(beginning)
            config = replace(net, classes=len(data.classes), channels=data.frame_kind.channels)
            try:
                begin_with(LRCN(config), options, data)
            except UsageError as error:
                names = (*NET_OPTIONS, *_BEGINNING)
                named = {k: v for k, v in drawn.items() if k.partition(".")[0] in names}
                said = ", ".join(f"{name} = {value}" for name, value in named.items())
                where = f"{self._config.source}: {f'with {said}: ' if said else ''}"
                raise UsageError(f"{where}{error}") from error

    def _do_trials(self, study: SearchStudy) -> None:
        while not study.is_finished():
            self._check_stop()
            taken = study.take()
            if taken is None:
                time.sleep(_LOOK_AGAIN)
                continue
            self._observer.start(taken.number, self._options.trials)
            outcome = self._trial(study, taken)
            study.finish(taken.number, outcome)
            self._folder.drop_states(taken.number)
            result = TrialResult(number=taken.number, values=taken.values, outcome=outcome)
            results = study.results()
            best = next(iter(ranked(results)), None)
            self._observer.trial(result, best, self._options.trials, len(results))

    def _trial(self, study: SearchStudy, taken: TakenTrial) -> Outcome:
        def prune(epoch: int, figure: float) -> bool:
            return study.should_prune(taken.number, epoch, figure)

        choice = RunChoice(
            out=self._folder.run(taken.number).path, plugins=self._plugins, figures_only=True
        )
        try:
            return train_trial(
                self._config.options(taken.values),
                choice,
                TrialObserver(self._observer, prune),
                self._stop,
            )
        except RunFolderError:
            raise
        except (UsageError, MemoryRanOutError) as error:
            # the data is as it should be, so that it is the values that don't go together
            return Outcome(state=FAILED, reason=str(error))

    def _do_finalists(self, study: SearchStudy) -> list[Finalist]:
        """Train the best trials with other seeds, and give them, the best mean first."""
        chosen = distinct(ranked(study.results()))[: self._options.finalists]
        seeds = range(1, self._options.repeat + 1)
        trainings = [(trial, repeat) for repeat in seeds for trial in chosen]
        while left := [
            (trial, repeat)
            for trial, repeat in trainings
            if study.repeated(trial.number, repeat) is None
        ]:
            self._check_stop()
            done = [self._repeat(study, trial, repeat) for trial, repeat in left]
            if not any(done):
                time.sleep(_LOOK_AGAIN)
        found = [
            Finalist(
                trial=trial,
                repeats=tuple(self._repeated(study, trial.number, repeat) for repeat in seeds),
            )
            for trial in chosen
        ]
        return sorted(found, key=lambda one: one.rank)

    def _repeated(self, study: SearchStudy, number: int, repeat: int) -> Outcome:
        outcome = study.repeated(number, repeat)
        assert outcome is not None
        return outcome

    def _repeat(self, study: SearchStudy, trial: TrialResult, repeat: int) -> bool:
        """Train a finalist with another seed, unless another process does."""
        if not study.take_repeat(trial.number, repeat):
            return False
        options = self._config.options(trial.values)
        outcome = train_trial(
            options.with_values({"seed": options.seed + repeat}),
            RunChoice(out=self._folder.run(trial.number, repeat).path, plugins=self._plugins),
            TrialObserver(self._observer, lambda epoch, figure: False),
            self._stop,
        )
        study.finish_repeat(trial.number, repeat, outcome)
        self._folder.drop_states(trial.number, repeat)
        self._observer.finalist(trial.number, repeat, outcome)
        return True

    def _result(self, study: SearchStudy, finalists: list[Finalist]) -> SearchResult:
        results = study.results()
        finished = ranked(results)
        if not finished:
            states = ", ".join(sorted({one.outcome.state for one in results}))
            raise LrcnError(
                f"none of {len(results)} trials in {self._folder.path} has finished ({states}), the"
                f" last one: {results[-1].outcome.reason}"
            )
        best = finalists[0].trial if finalists else finished[0]
        others = sorted(
            (one for one in results if one.outcome.state != FINISHED), key=lambda one: one.rank
        )
        return SearchResult(
            folder=self._folder.path,
            figure=finished[0].outcome.figure_name,
            trials=(*finished, *others),
            finalists=tuple(finalists),
            best=best,
        )

    def _write(self, study: SearchStudy, result: SearchResult) -> None:
        write_table(self._folder.table, result)
        options = self._config.options(result.best.values)
        write_best(self._folder.best, result, self._config, options, self._options)
        draw_search(self._folder.picture, result, self._config.space, study.importances())

    def _check_stop(self) -> None:
        if self._stop.received is not None:
            raise Stopped(self._stop.received, "")

    def _stopped(self, study: SearchStudy, stopped: Stopped) -> Stopped:
        ended = len(study.results())
        return Stopped(
            stopped.exit_code - 128,
            f"stopped: {ended} of {self._options.trials} trials have ended; the same command goes"
            " on from there",
        )
