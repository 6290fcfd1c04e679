from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrcn_model.figures.confused_pairs import most_confused


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60))
def test_pairs_are_counted_and_the_most_frequent_come_first(
    answers: list[tuple[int, int]],
) -> None:
    confusion = np.zeros((5, 5), int)
    for label, predicted in answers:
        confusion[label, predicted] += 1
    found = most_confused(confusion.tolist())
    counts = Counter(pair for pair in answers if pair[0] != pair[1])
    totals = Counter(label for label, _ in answers)
    assert sorted((p.times for p in found), reverse=True) == [p.times for p in found]
    assert {(p.label, p.recognized): p.times for p in found} == counts
    for pair in found:
        assert pair.share == pair.times / totals[pair.label]
