"""Which clips a page shows where it can't show all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrcn_model.reporting.chosen_clips import order_of_clips

CLIPS = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.floats(0, 1), st.floats(0, 2)), max_size=60
)


def order(clips: list[tuple[int, bool, float, float]], most: int) -> list[int]:
    labels, right, certainty, disagreement = zip(*clips, strict=True) if clips else ((),) * 4
    return order_of_clips(
        np.array(labels, np.int64),
        np.array(right, bool),
        np.array(certainty, float),
        np.array(disagreement, float),
        most,
    )


@given(CLIPS, st.integers(0, 80))
def test_every_clip_is_there_once(clips: list[tuple[int, bool, float, float]], most: int) -> None:
    assert sorted(order(clips, most)) == list(range(len(clips)))


@given(CLIPS)
def test_wrong_ones_come_before_right_ones_the_surest_first(
    clips: list[tuple[int, bool, float, float]],
) -> None:
    # of so few none is taken for its disagreement alone
    found = order(clips, most=15)
    wrong = [number for number in found if not clips[number][1]]
    assert [clips[n][2] for n in wrong] == sorted((clips[n][2] for n in wrong), reverse=True)
    places = [place for place, number in enumerate(found) if not clips[number][1]]
    assert places[:11] == list(range(min(11, len(places))))


def test_each_class_has_its_turn_and_wrong_ones_leave_room_for_it() -> None:
    right = [(label, True, 0.9 - n / 100, 0.0) for label in range(3) for n in range(5)]
    wrong = [(0, False, 0.5, 0.0)] * 30
    found = order([*right, *wrong], most=12)[:12]
    assert [n >= len(right) for n in found] == [True] * 9 + [False] * 3
    assert sorted(right[n][0] for n in found[9:]) == [0, 1, 2]


def test_a_few_clips_whose_frames_disagree_most_are_first() -> None:
    clips = [(0, True, 0.9, number / 100) for number in range(40)]
    assert order(clips, most=32)[:2] == [39, 38]
