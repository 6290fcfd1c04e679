from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model.searching.claims import Claims
from lrcn_model.searching.search_folder import SearchFolder
from lrcn_model.searching.search_options import SearchOptions
from lrcn_model.searching.search_space import read_space
from lrcn_model.searching.study import SearchStudy, database_faults
from lrcn_model.searching.trial import DIVERGED, FAILED, FINISHED, Outcome

SPACE = read_space(
    {
        "lr": {"low": 1e-4, "high": 1e-1, "log": True},
        "epochs": {"low": 2, "high": 9},
        "flip": [0.0, 0.5],
        "head": ["none", {"name": "gru", "hidden": 8}],
    },
    "file",
)
RECORD = {"shards": ["aa"], "seed": 0, "values": {"cnn": "small"}}


def done(figure: float, state: str = FINISHED) -> Outcome:
    return Outcome(state=state, figure=figure, loss=1.0, epoch=1, epochs=1, seconds=1.0)


@contextmanager
def opened(path: Path, record: dict[str, Any] = RECORD, **options: Any) -> Iterator[SearchStudy]:
    """The study as a process has it that has just begun; what had claims before is dead."""
    folder = SearchFolder(path, Path("search.toml"))
    folder.make()
    with Claims(folder.claims) as claims:
        how = SearchOptions(**{"trials": 4, **options})
        yield SearchStudy(folder, SPACE, how, claims, record)


def all_values(path: Path, **options: Any) -> list[dict[str, Any]]:
    with opened(path, **options) as study:
        while (taken := study.take()) is not None:
            study.finish(taken.number, done(0.5))
        assert study.is_finished()
        return [dict(trial.values) for trial in study.results()]


def test_values_are_within_the_space_and_as_a_toml_file_has_them(tmp_path: Path) -> None:
    values = all_values(tmp_path, trials=20)
    assert all(1e-4 <= one["lr"] <= 1e-1 for one in values)
    assert {type(one["epochs"]) for one in values} == {int}
    assert {one["epochs"] for one in values} <= set(range(2, 10))
    assert {str(one["head"]) for one in values} == {"none", "{'name': 'gru', 'hidden': 8}"}
    # half of a log range lies below its geometric mean
    assert 5 <= sum(math.log10(one["lr"]) < -2.5 for one in values) <= 15


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_seed_draws_the_same_values_again_and_another_one_others(
    tmp_path: Path, sampler: str
) -> None:
    one, again = (all_values(tmp_path / name, sampler=sampler) for name in ("a", "b"))
    assert one == again
    assert one != all_values(tmp_path / "c", sampler=sampler, seed=1)


def test_a_trial_whose_process_died_is_gone_on_with_and_counts_once(tmp_path: Path) -> None:
    with opened(tmp_path, trials=2) as study:
        died = study.take()
    with opened(tmp_path, trials=2) as study:
        taken = study.take()
        assert died is not None
        assert taken is not None
        assert (died.resumed, taken.resumed) == (False, True)
        assert (taken.number, taken.values) == (died.number, died.values)
        study.finish(taken.number, done(0.5))
        second = study.take()
        assert second is not None
        study.finish(second.number, done(0.6))
        assert study.take() is None
        assert [trial.number for trial in study.results()] == [0, 1]


def test_values_do_not_depend_on_where_a_search_was_killed(tmp_path: Path) -> None:
    whole = all_values(tmp_path / "whole")
    for _ in range(4):
        with opened(tmp_path / "killed") as study:
            taken = study.take()
            assert taken is not None
        with opened(tmp_path / "killed") as study:
            again = study.take()
            assert again is not None
            study.finish(again.number, done(0.5))
    assert all_values(tmp_path / "killed") == whole


def test_more_trials_go_on_where_fewer_ended(tmp_path: Path) -> None:
    assert all_values(tmp_path, trials=2) == all_values(tmp_path, trials=4)[:2]


def test_trials_that_came_to_nothing_end_as_well(tmp_path: Path) -> None:
    outcomes = [Outcome(state=FAILED, reason="why"), done(0.1, DIVERGED), done(0.9), done(0.2)]
    with opened(tmp_path, sampler="tpe") as study:
        for outcome in outcomes:
            taken = study.take()
            assert taken is not None
            study.finish(taken.number, outcome)
        assert study.is_finished()
        assert [trial.outcome for trial in study.results()] == outcomes


def test_the_median_pruner_ends_what_is_worse_than_half_and_none_ends_nothing(
    tmp_path: Path,
) -> None:
    for pruning in ("none", "median"):
        with opened(tmp_path / pruning, trials=9, pruning=pruning) as study:
            for number in range(7):
                assert study.take() is not None
                study.should_prune(number, 1, 0.5 + number / 100)
                study.finish(number, done(0.5))
            for figure, worse in ((0.1, True), (0.9, False)):
                taken = study.take()
                assert taken is not None
                expected = worse and pruning == "median"
                assert study.should_prune(taken.number, 1, figure) == expected
                # told again by a training that goes on from before that epoch
                assert study.should_prune(taken.number, 1, figure) == expected
                study.finish(taken.number, done(figure))


def test_a_training_of_a_finalist_is_noted_once(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        assert study.repeated(3, 1) is None
        assert study.take_repeat(3, 1)
        study.finish_repeat(3, 1, done(0.7))
        assert study.repeated(3, 1) == done(0.7)
        assert not study.take_repeat(3, 1)
        assert study.take_repeat(3, 2)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({**RECORD, "shards": ["bb"]}, r"has a search with shards \['aa'\], not \['bb'\]"),
        ({**RECORD, "seed": 1}, "has a search with seed 0, not 1"),
        ({**RECORD, "values": {"cnn": "paper"}}, "cnn small, not paper; go on with that one"),
    ],
)
def test_another_search_on_the_same_folder_is_refused(
    tmp_path: Path, record: dict[str, Any], said: str
) -> None:
    with opened(tmp_path):
        pass
    with pytest.raises(UsageError, match=said), opened(tmp_path, record):
        pass


def test_runs_without_their_study_are_not_taken_for_those_of_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "runs/trial-0000").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"whose study\.db is gone"), opened(tmp_path):
        pass


def test_a_file_that_is_no_study_is_named(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"no database" * 100)
    with pytest.raises(LrcnError, match=r"study\.db can't be read or written"), opened(tmp_path):
        pass


def test_a_file_that_another_program_keeps_to_itself_is_an_error_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrcn_model.searching.study._PATIENCE", 0.1)
    path = tmp_path / "study.db"
    with opened(tmp_path) as study, closing(sqlite3.connect(path)) as other:
        taken = study.take()
        assert taken is not None
        other.execute("BEGIN EXCLUSIVE")
        said = r"study\.db can't be .* is locked\); see"
        with pytest.raises(LrcnError, match=said), database_faults(path):
            study.finish(taken.number, done(0.5))
