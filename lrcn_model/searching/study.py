"""All trials of a search, as Optuna keeps them: which values the next one has, and who does it.

A trial is done by the process that has a claim on it. One that is running without a claim is of a
process that has died: whoever looks for work next goes on with it. So no trial is lost or done
twice, and there are never more than were asked for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage.atomic_file import sync_folder, temporary_name
from lrcn_model.repeatable_random import random_bits
from lrcn_model.searching.claims import Claims
from lrcn_model.searching.search_folder import SearchFolder
from lrcn_model.searching.search_options import SearchOptions
from lrcn_model.searching.search_space import Choices, Dimension, Range, Space
from lrcn_model.searching.trial import FAILED, FINISHED, Outcome, TrialResult

if TYPE_CHECKING:
    import optuna

_SEARCH, _OUTCOME = "search", "outcome"
"""Where in the study the search is described, and in a trial what it has come to."""

_REPEATS = 1 << 16
"""More than the trainings that one trial may have."""

_PATIENCE = 120
"""The seconds that a process waits for others that write to the file."""


@contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the study's file into an error of one line.

    Args:
        path: The file, for the message.

    Raises:
        LrcnError: It can't be read or written.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        reason = str(cause).partition("\n")[0]
        raise LrcnError(
            f"{path} can't be read or written ({reason}); see whether the disk is full or another"
            " program has it open, after which the same command goes on from there"
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenTrial:
    """A trial that is this process's to do.

    Attributes:
        number: The trial's number, from 0.
        values: The values drawn, by the names of the space, as a TOML file has them.
        resumed: Whether another process, or an earlier command, had begun with it.
    """

    number: int
    values: Mapping[str, Any]
    resumed: bool


class SearchStudy:
    """The trials of a search.

    Args:
        folder: The search's folder, which must exist.
        space: What may be drawn.
        options: How is searched.
        claims: This process's claims.
        record: All that makes this search another one than others, as JSON has it.

    Raises:
        UsageError: The folder has another search.
        LrcnError: Its file can't be read.
    """

    def __init__(
        self,
        folder: SearchFolder,
        space: Space,
        options: SearchOptions,
        claims: Claims,
        record: Mapping[str, Any],
    ) -> None:
        self._space, self._options, self._claims = space, options, claims
        self._study = _opened(folder, record)
        self._study.pruner = _pruner(options.pruning)

    def take(self) -> TakenTrial | None:
        """A trial to do; None where all of them are finished or other processes do them."""
        with self._claims.turn():
            for number in self._unfinished():
                if not self._claims.take(_piece(number)):
                    continue
                # it may have been finished in between
                if number in self._unfinished():
                    return self._drawn(self._trial(number), resumed=True)
                self._claims.give_back(_piece(number))
            count = len(self._study.get_trials(deepcopy=False))
            if count >= self._options.trials:
                return None
            self._claims.take(_piece(count))
            self._use_sampler(count)
            return self._drawn(self._study.ask(), resumed=False)

    def is_finished(self) -> bool:
        """Whether as many trials as were asked for have ended, and none is being done."""
        return (
            len(self._study.get_trials(deepcopy=False)) >= self._options.trials
            and not self._unfinished()
        )

    def should_prune(self, number: int, epoch: int, figure: float) -> bool:
        """Whether a trial is to end after an epoch, which is noted with its figure.

        Args:
            number: The trial's number.
            epoch: The epoch's number, from 1.
            figure: The main figure on the validation shards after it.
        """
        if self._options.pruning == "none":
            return False
        trial = self._trial(number)
        if epoch not in self._study.get_trials(deepcopy=False)[number].intermediate_values:
            trial.report(figure, epoch)
        return trial.should_prune()

    def finish(self, number: int, outcome: Outcome) -> None:
        """Note what a trial has come to, and give back the claim on it."""
        from optuna.trial import TrialState

        trial = self._trial(number)
        trial.set_user_attr(_OUTCOME, asdict(outcome))
        if outcome.state == FINISHED:
            self._study.tell(trial, outcome.figure)
        elif outcome.state == FAILED:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            # of one that diverged a sampler should know as well
            self._study.tell(trial, state=TrialState.PRUNED)
        self._claims.give_back(_piece(number))

    def results(self) -> list[TrialResult]:
        """All trials that have ended, in the order of their numbers."""
        return [
            TrialResult(
                number=trial.number,
                values=self._values(trial.params),
                outcome=Outcome(**trial.user_attrs[_OUTCOME]),
            )
            for trial in self._study.get_trials(deepcopy=False)
            if trial.state.is_finished()
        ]

    def take_repeat(self, number: int, repeat: int) -> bool:
        """Claim a training of a finalist; False where it is done, or another process does it."""
        if not self._claims.take(_piece(number, repeat)):
            return False
        if self.repeated(number, repeat) is None:
            return True
        self._claims.give_back(_piece(number, repeat))
        return False

    def finish_repeat(self, number: int, repeat: int, outcome: Outcome) -> None:
        """Note what a training of a finalist has come to, and give back the claim on it."""
        self._study.set_user_attr(_repeat_key(number, repeat), asdict(outcome))
        self._claims.give_back(_piece(number, repeat))

    def repeated(self, number: int, repeat: int) -> Outcome | None:
        """What a training of a finalist has come to; None where it has not ended.

        Args:
            number: The trial's number.
            repeat: The number of the other seed, from 1.
        """
        found = self._study.user_attrs.get(_repeat_key(number, repeat))
        return None if found is None else Outcome(**found)

    def importances(self) -> dict[str, float]:
        """The share of each value in what makes trials good, by PED-ANOVA; empty for few trials.

        PED-ANOVA: S. Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance
        in Arbitrary Subspaces", IJCAI 2023; Optuna's implementation.
        """
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        figures = {one.outcome.figure for one in self.results() if one.outcome.state == FINISHED}
        if len(figures) < 2:
            return {}
        return get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())

    def _unfinished(self) -> list[int]:
        trials = self._study.get_trials(deepcopy=False)
        return [trial.number for trial in trials if not trial.state.is_finished()]

    def _trial(self, number: int) -> optuna.Trial:
        """A trial that is running; Optuna gives one only to the process that began it."""
        import optuna

        self._use_sampler(number)
        frozen = self._study.get_trials(deepcopy=False)[number]
        return optuna.Trial(self._study, frozen._trial_id)

    def _drawn(self, trial: optuna.Trial, *, resumed: bool) -> TakenTrial:
        for name, dimension in self._space.items():
            # values that are there already, from before a kill, are not drawn again
            self._use_sampler(trial.number, name)
            _suggest(trial, name, dimension)
        return TakenTrial(number=trial.number, values=self._values(trial.params), resumed=resumed)

    def _use_sampler(self, number: int, name: str = "") -> None:
        """Draw by the seed, the trial and the value alone, whatever was drawn before."""
        from optuna.samplers import RandomSampler, TPESampler

        bits = random_bits(np.array([number]), "search", self._options.seed, name)
        seed = int(bits[0] % np.uint64(2**32))
        if self._options.sampler == "random":
            self._study.sampler = RandomSampler(seed=seed)
        else:
            # trials that others are doing count as bad ones, so that values near them are avoided
            self._study.sampler = TPESampler(seed=seed, constant_liar=True)

    def _values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The values that are drawn as a TOML file has them."""
        return {
            name: one.by_label()[drawn[name]] if isinstance(one, Choices) else drawn[name]
            for name, one in self._space.items()
            if name in drawn
        }


def _piece(number: int, repeat: int = 0) -> int:
    """The number of the claim on a trial, or on a training of a finalist."""
    return number * _REPEATS + repeat


def _repeat_key(number: int, repeat: int) -> str:
    return f"trial {number} repeat {repeat}"


def _suggest(trial: optuna.Trial, name: str, dimension: Dimension) -> None:
    """Draw a value, which the trial keeps."""
    match dimension:
        case Choices():
            trial.suggest_categorical(name, list(dimension.by_label()))
        case Range(low=low, high=high, log=log, step=step, whole=True):
            trial.suggest_int(name, int(low), int(high), log=log, step=int(step or 1))
        case Range(low=low, high=high, log=log, step=step):
            trial.suggest_float(name, low, high, log=log, step=step)


def _pruner(pruning: str) -> optuna.pruners.BasePruner:
    from optuna.pruners import MedianPruner, NopPruner

    return MedianPruner() if pruning == "median" else NopPruner()


def _opened(folder: SearchFolder, record: Mapping[str, Any]) -> optuna.Study:
    """The study, which is made where there is none; its file is there whole or not at all."""
    import optuna
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder.study
    try:
        if not path.exists():
            _make(folder, record)
        study = optuna.load_study(study_name=_SEARCH, storage=_storage(path))
        before = study.user_attrs[_SEARCH]
    except OperationalError:
        raise
    except (SQLAlchemyError, KeyError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise LrcnError(
            f"{path} can't be read or written ({reason}); search anew with another --out"
        ) from error
    _check_same(path, before, record)
    return study


def _make(folder: SearchFolder, record: Mapping[str, Any]) -> None:
    import optuna

    if folder.has_runs():
        raise UsageError(
            f"{folder.path} has runs of a search whose {folder.study.name} is gone; use another"
            " --out"
        )
    temporary = temporary_name(folder.study)
    temporary.unlink(missing_ok=True)
    storage = _storage(temporary)
    study = optuna.create_study(study_name=_SEARCH, storage=storage, direction="maximize")
    study.set_user_attr(_SEARCH, dict(record))
    storage.remove_session()
    storage.engine.dispose()
    temporary.replace(folder.study)
    sync_folder(folder.path)


def _storage(path: Path) -> optuna.storages.RDBStorage:
    from optuna.storages import RDBStorage

    def connect() -> sqlite3.Connection:
        # a pool passes a connection on to other threads
        return sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)

    # a path isn't put into the URL, where ?, % and {} would mean something
    return RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with another search."""
    now = json.loads(json.dumps(now))
    for name in {**before, **now}:
        if before.get(name) != now.get(name):
            raise UsageError(
                f"{path.parent} has a search with {_difference(name, before, now)}; go on with that"
                " one by the same values, or use another --out"
            )


def _difference(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    one, other = before.get(name), now.get(name)
    if isinstance(one, dict) and isinstance(other, dict):
        inner = next(key for key in {**one, **other} if one.get(key) != other.get(key))
        return _difference(inner, one, other)
    if isinstance(one, list) and isinstance(other, list) and len(str(one)) > 60:
        return f"other {name}"
    return f"{name} {one}, not {other}"
