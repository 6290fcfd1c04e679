from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.format.frame_classes import (
    MOST_CLASSES,
    frame_classes,
    frame_word_count,
    to_frame_words,
)


@given(st.lists(st.lists(st.integers(-1, MOST_CLASSES - 1), max_size=19), min_size=1))
def test_the_classes_of_frames_come_back_from_their_words(samples: list[list[int]]) -> None:
    seq_len = max(1, *(len(labels) for labels in samples))
    count = frame_word_count(seq_len)
    words = np.array([to_frame_words(labels, count) for labels in samples], np.int64).T

    found = frame_classes(words, seq_len)

    assert found.dtype == np.int16
    assert found.tolist() == [labels + [-1] * (seq_len - len(labels)) for labels in samples]


@pytest.mark.parametrize(("seq_len", "words"), [(1, 1), (4, 1), (5, 2), (16, 4)])
def test_a_word_has_four_frames(seq_len: int, words: int) -> None:
    assert frame_word_count(seq_len) == words
