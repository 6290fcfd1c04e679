from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.label_base import base_with_classes, base_without_classes


def bases_that_fit(numbers: set[int], classes: int) -> list[int]:
    return [base for base in (0, 1) if numbers <= set(range(base, base + classes))]


@given(st.data(), st.integers(1, 12))
def test_of_numbers_that_fit_one_base_only_that_one_is_taken(
    data: st.DataObject, classes: int
) -> None:
    numbers = data.draw(st.sets(st.integers(0, classes), min_size=1))
    base = base_with_classes(numbers, classes=classes, given=None, numbered_from=None)
    fitting = bases_that_fit(numbers, classes)
    if fitting:
        assert base == (fitting[0] if len(fitting) == 1 else None)


@pytest.mark.parametrize("numbers", [{-1}, {7}, {-3, 40}])
def test_numbers_that_fit_no_base_are_left_to_be_reported_one_by_one(numbers: set[int]) -> None:
    assert base_with_classes(numbers, classes=3, given=None, numbered_from=None) == 0


@given(st.sets(st.integers(-3, 9), min_size=1), st.integers(1, 6), st.sampled_from([None, 0, 1]))
def test_what_the_user_gives_outdoes_the_class_file_and_the_numbers(
    numbers: set[int], classes: int, numbered_from: int | None
) -> None:
    for chosen in (0, 1):
        base = base_with_classes(
            numbers, classes=classes, given=chosen, numbered_from=numbered_from
        )
        assert base == chosen
        assert base_without_classes(numbers, given=chosen) == chosen


@given(st.sets(st.integers(-3, 9), min_size=1), st.sampled_from([0, 1]))
def test_a_numbered_class_file_outdoes_the_numbers(numbers: set[int], numbered_from: int) -> None:
    base = base_with_classes(numbers, classes=5, given=None, numbered_from=numbered_from)
    assert base == numbered_from


def test_without_class_names_only_a_zero_tells_the_base() -> None:
    assert base_without_classes({0, 1, 2}, given=None) == 0
    assert base_without_classes({1, 2, 3}, given=None) is None
