from __future__ import annotations

from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.training.option import Choice, Number, Option, ValueKind, Weights, Whole


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Whole(least=2, most=4), 5, "--some-thing must be at least 2 and at most 4, got 5"),
        (Number(least=0), float("nan"), "--some-thing must be at least 0, got nan"),
        (Number(above=1), 1.0, "--some-thing must be above 1, got 1"),
        (Number(least=0, below=1), 1.0, "--some-thing must be below 1, got 1"),
        (Choice(("a", "b")), "c", "one of a, b, got 'c'"),
        (Weights(metavar=""), (1.0, -2.0), "--some-thing must have numbers above 0, got -2"),
    ],
)
def test_a_value_out_of_its_bounds_is_refused_with_the_options_name(
    kind: ValueKind, value: Any, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Option(kind=kind, meaning="", group="", default=None).check("some_thing", value)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [3, "1 3", [1, "3"], [True]])
def test_what_is_no_list_of_numbers_is_no_weights(value: Any) -> None:
    assert Weights(metavar="").from_toml([1, 2.5], "x") == (1.0, 2.5)
    with pytest.raises(UsageError, match="x must be a list of numbers"):
        Weights(metavar="").from_toml(value, "x")


def test_no_value_is_in_all_bounds() -> None:
    Option(kind=Whole(least=2), meaning="", group="", default=None).check("some_thing", None)


def test_an_option_that_came_later_makes_no_other_run_where_it_is_left_alone() -> None:
    always = Option(kind=Whole(), meaning="", group="", default=3)
    later = Option(kind=Whole(), meaning="", group="", default=3, added_later=True)
    never = Option(kind=Whole(), meaning="", group="", default=3, in_losses=False)
    told = [[one.tells_runs_apart(value) for value in (3, 4)] for one in (always, later, never)]
    assert told == [[True, True], [False, True], [False, False]]
