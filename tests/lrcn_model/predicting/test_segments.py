"""Frames become segments: what lasts, what is surest, and what is too short."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_model.predicting.segments import Segment, Segmenter, SegmentOptions

NAMES = ["a", "b", "c"]


def segments(
    rows: Sequence[Sequence[float]], *, independent: bool = False, **values: Any
) -> list[Segment]:
    """The segments of frames of a second each."""
    segmenter = Segmenter(NAMES, SegmentOptions(**values), independent=independent)
    found = []
    for second, row in enumerate(rows):
        found += segmenter.add(float(second), second + 1.0, np.array(row))
    return found + segmenter.finish()


def sure(letters: str, probability: float = 0.8) -> list[list[float]]:
    """Frames that show a class with a probability, and the others with what is left."""
    rest = (1 - probability) / 2
    return [[probability if name == letter else rest for name in NAMES] for letter in letters]


def spelled(found: Sequence[Segment]) -> list[tuple[str, float, float]]:
    return [(segment.name, segment.start, segment.end) for segment in found]


@given(st.text("abc", max_size=30))
def test_without_thresholds_they_are_the_runs_of_the_most_probable_class(letters: str) -> None:
    expected, start = [], 0
    for name, run in groupby(letters):
        end = start + len(list(run))
        expected.append((name, start, end))
        start = end
    found = segments(sure(letters))
    assert spelled(found) == expected
    assert all(segment.score == pytest.approx(0.8) for segment in found)
    assert all(NAMES[segment.label] == segment.name for segment in found)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("aaabaaa", "aaaaaaa"),
        ("aaabcaa", "aaaaaaa"),
        ("aaabbbb", "aaabbbb"),
        ("abccc", "ccccc"),
        ("aaabcbbb", "aaaaabbb"),
        ("ab", ""),
        ("aaab", "aaaa"),
    ],
)
def test_what_is_shorter_than_the_least_length_belongs_to_what_came_before(
    letters: str, expected: str
) -> None:
    found = segments(sure(letters), min_length=2)
    assert "".join(s.name * round(s.end - s.start) for s in found) == expected


@given(st.text("abc", max_size=30), st.integers(2, 4))
def test_with_a_least_length_every_segment_lasts_and_two_in_a_row_differ(
    letters: str, least: int
) -> None:
    found = segments(sure(letters), min_length=least)
    assert all(segment.end - segment.start >= least for segment in found)
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.name != after.name


def test_the_score_is_the_mean_of_the_classs_probability_over_all_frames_of_the_segment() -> None:
    [found] = segments(sure("aaabaaa"), min_length=2)
    assert found.score == pytest.approx((6 * 0.8 + 0.1) / 7)


def test_a_class_begins_at_enter_and_ends_below_leave() -> None:
    rows = [[p, 1 - p, 0] for p in (0.6, 0.75, 0.9, 0.6, 0.55, 0.45, 0.75)]
    found = segments(rows, enter=0.8, leave=0.5)
    assert spelled(found) == [("a", 2, 5)]
    assert spelled(segments(rows, enter=0.7)) == [("a", 1, 3), ("a", 6, 7)]


def test_another_class_that_is_sure_enough_takes_over() -> None:
    rows = [[0.9, 0.1, 0], [0.5, 0.5, 0], [0.3, 0.7, 0], [0.1, 0.9, 0]]
    assert spelled(segments(rows, enter=0.8, leave=0.2)) == [("a", 0, 3), ("b", 3, 4)]


def test_classes_that_are_independent_have_segments_at_the_same_time() -> None:
    rows = [[0.9, 0.1, 0], [0.9, 0.6, 0], [0.2, 0.6, 0], [0.2, 0.2, 0]]
    found = segments(rows, independent=True)
    assert sorted(spelled(found)) == [("a", 0, 2), ("b", 1, 3)]


def test_no_segment_goes_on_over_frames_that_are_missing() -> None:
    segmenter = Segmenter(NAMES, SegmentOptions())
    found = segmenter.add(0.0, 1.0, np.array([1.0, 0, 0]))
    found += segmenter.add(3.0, 4.0, np.array([1.0, 0, 0]))
    assert spelled(found + segmenter.finish()) == [("a", 0, 1), ("a", 3, 4)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"min_length": -1}, "--min-length must be at least 0"),
        ({"enter": 1.5}, "--enter must be from 0 to 1"),
        ({"leave": 0.5}, "--leave 0.5 is below --enter; give that as well"),
        ({"enter": 0.5, "leave": 0.6}, "--leave must be from 0 to --enter 0.5"),
    ],
)
def test_values_that_mean_nothing_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SegmentOptions(**values)
