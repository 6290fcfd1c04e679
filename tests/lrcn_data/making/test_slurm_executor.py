"""What a Slurm job does of its share, and what is submitted again, without a Slurm."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.making.slurm_executor import _again, _put, _result, _Share


def count_up(job: list[int]) -> int:
    job.append(len(job))
    return len(job)


def refuse(job: list[int]) -> int:
    raise LrcnError("the disk is full")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def test_a_share_that_is_run_again_does_what_is_left(results: Path) -> None:
    jobs: dict[int, list[int]] = {3: [], 5: [], 8: []}
    (results / "5").write_bytes(pickle.dumps(40))
    (results / "8.123.partial").write_bytes(b"half")
    share = _Share(jobs, count_up, results)
    share()
    share()
    assert jobs == {3: [0], 5: [], 8: [0]}
    assert {number: _result(results / str(number)) for number in _put(results)} == {
        3: 1,
        5: 40,
        8: 1,
    }


def test_an_error_ends_a_share_and_is_that_of_the_run(results: Path) -> None:
    _Share({0: [], 1: []}, refuse, results)()
    assert _put(results) == {0}
    with pytest.raises(LrcnError, match="the disk is full"):
        _result(results / "0")


def test_a_share_is_submitted_again_until_several_have_done_nothing(results: Path) -> None:
    share = _Share({0: "a", 1: "b"}, str.upper, results)
    for _ in range(3):
        (share,) = _again({"7_0": share}, {1}, results.parent)
        assert dict(share.jobs) == {0: "a"}
    share = _Share({0: "a", 1: "b"}, str.upper, results, tries=4)
    (share,) = _again({"7_0": share}, {1}, results.parent)  # it has done a job
    for _ in range(3):
        (share,) = _again({"7_0": share}, {1}, results.parent)
    with pytest.raises(
        LrcnError, match=r"5 Slurm jobs have ended .* the last one was 9_3; its log"
    ):
        _again({"9_3": share}, {1}, results.parent)


@pytest.mark.parametrize(("name", "package"), [("slurm", "submitit"), ("ray:auto", "ray")])
def test_an_engine_that_is_not_installed_is_named(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    extra = name.partition(":")[0]
    with pytest.raises(UsageError, match=rf"pip install 'lrcn\[{extra}\]'"):
        EXECUTORS.load(name)(1)


def test_slurm_is_asked_for_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="there is no sbatch on the PATH"):
        EXECUTORS.load("slurm")(1)
