from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.format.class_sets import from_words, multi_hot, to_words, word_count


@pytest.mark.parametrize(("classes", "words"), [(0, 0), (1, 1), (64, 1), (65, 2), (157, 3)])
def test_a_word_holds_64_classes(classes: int, words: int) -> None:
    assert word_count(classes) == words


@given(st.lists(st.sets(st.integers(0, 199)), max_size=5))
def test_sets_come_back_from_their_words(sets: list[set[int]]) -> None:
    words = [to_words(numbers, 4) for numbers in sets]
    assert [from_words(row) for row in words] == [sorted(numbers) for numbers in sets]
    rows = np.array(words, np.int64).reshape(-1, 4).T
    matrix = multi_hot(rows, 200)
    assert matrix.dtype == np.uint8
    assert [np.flatnonzero(row).tolist() for row in matrix] == [sorted(one) for one in sets]


def test_the_last_bit_of_a_word_is_the_sign_of_an_int64() -> None:
    assert to_words([63], 1) == (-(2**63),)
    assert from_words([-1]) == list(range(64))
