"""Processes that were started alike, and others."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.training.same_everywhere import Facts, check_facts, check_first_sees

FIRST: Facts = {"batch_size": "2", "shards": "(3, SHA-256 1234abcd)"}


def test_processes_with_the_same_facts_may_train() -> None:
    check_facts([("a", FIRST), ("b", dict(FIRST))])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {**FIRST, "batch_size": "4"},
            r"process 1 \(on b\) has batch_size 4, process 0 \(on a\) 2",
        ),
        ({**FIRST, "shards": "(2, SHA-256 99)"}, r"shards \(2, .* \(on a\) \(3, "),
        ({"batch_size": "2"}, "shards None"),
    ],
)
def test_the_first_difference_is_named_with_its_machine(other: Facts, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_facts([("a", FIRST), ("b", other)])


def test_a_run_that_another_machine_has_is_not_begun_anew() -> None:
    check_first_sees([("a", True), ("b", False)], Path("runs/x"))
    check_first_sees([("a", False), ("b", False)], Path("runs/x"))
    with pytest.raises(UsageError, match=r"process 1 \(on b\) has the run runs/x, but process 0"):
        check_first_sees([("a", False), ("b", True)], Path("runs/x"))
