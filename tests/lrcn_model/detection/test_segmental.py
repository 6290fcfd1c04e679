"""Segmental F1 and edit score, against loops over frames and a distance found by search."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_model.detection.frame_track import FrameTrack
from lrcn_model.detection.segmental import (
    OVERLAPS,
    SegmentCounts,
    drawn_segmental_figures,
    edit_score,
)
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks

Segment = tuple[int, frozenset[int]]


def figures(tracks: Sequence[FrameTrack], background: Sequence[int] = ()) -> dict[str, float]:
    drawn = drawn_segmental_figures(
        SegmentCounts.of([track.labelled() for track in tracks], background)
    )
    every_video_once = np.ones((1, len(tracks)))
    return {name: float(figure(every_video_once)[0]) for name, figure in drawn.items()}


def naive_segments(track: FrameTrack, classes: np.ndarray, background: set[int]) -> list[Segment]:
    """Each segment as its class and the set of its frames."""
    of_frame = {
        int(position): int(one)
        for position, label, one in zip(track.positions, track.labels, classes, strict=True)
        if label >= 0
    }
    along = [of_frame.get(place) for place in range(int(track.positions[-1]) + 1)]
    grouped = groupby(enumerate(along), key=lambda pair: pair[1])
    return [
        (label, frozenset(place for place, _ in pairs))
        for label, pairs in grouped
        if label is not None and label not in background
    ]


def naive_f1(pairs: list[tuple[list[Segment], list[Segment]]], least: float) -> float:
    """As MS-TCN counts: predicted segments in time order, each against its best true one."""
    right = wrong = missed = 0
    for true, predicted in pairs:
        hit = set()
        for label, frames in predicted:
            overlaps = [
                len(frames & others) / len(frames | others) if label == other else 0.0
                for other, others in true
            ]
            best = max(range(len(true)), key=overlaps.__getitem__, default=None)
            if best is not None and overlaps[best] >= least and best not in hit:
                right += 1
                hit.add(best)
            else:
                wrong += 1
        missed += len(true) - len(hit)
    if not right + wrong + missed:
        return float("nan")
    if not right:
        return 0.0
    precision, recall = right / (right + wrong), right / (right + missed)
    return 2 * precision * recall / (precision + recall)


def naive_edit(true: Sequence[int], found: Sequence[int]) -> float:
    """The fewest insertions, deletions and changes, by recursion."""

    @cache
    def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
        if not one or not other:
            return len(one) + len(other)
        if one[0] == other[0]:
            return distance(one[1:], other[1:])
        ways = [(one[1:], other), (one, other[1:]), (one[1:], other[1:])]
        return 1 + min(distance(*way) for way in ways)

    longest = max(len(true), len(found))
    return 1 - distance(tuple(true), tuple(found)) / longest if longest else float("nan")


def expected_figures(tracks: Sequence[FrameTrack], background: set[int]) -> dict[str, float]:
    pairs = [
        (
            naive_segments(track, track.labels, background),
            naive_segments(track, track.scores.argmax(axis=1), background),
        )
        for track in tracks
        if len(track.labels)
    ]
    edits = [naive_edit([c for c, _ in true], [c for c, _ in found]) for true, found in pairs]
    there = [edit for edit in edits if edit == edit]
    f1 = {name: naive_f1(pairs, least) for name, least in OVERLAPS.items()}
    return {**f1, "edit": float(np.mean(there)) if there else float("nan")}


def test_figures_counted_by_hand(make_track: MakeTrack) -> None:
    #                     1 (4 frames)  2 (4)         1 (2)
    track = make_track([1, 1, 1, 1, 2, 2, 2, 2, 1, 1], [1, 1, 1, 2, 1, 1, 1, 2, 1, 1])
    # predicted: 1 (3 of 4: 3/4), 2 (overlaps nothing), 1 (nothing), 2 (1 of 4: 1/4), 1 (all)
    found = figures([track])
    assert found["f1_10"] == found["f1_25"] == pytest.approx(2 * 3 / (3 + 5))
    assert found["f1_50"] == pytest.approx(2 * 2 / (3 + 5))
    # 1 2 1 2 1 becomes 1 2 1 by two deletions
    assert found["edit"] == pytest.approx(1 - 2 / 5)


def test_a_segment_that_is_found_twice_counts_once(make_track: MakeTrack) -> None:
    track = make_track([1] * 8, [1, 1, 1, 1, 0, 1, 1, 1])
    # 4/8, nothing, and 3/8 of the same segment
    assert figures([track])["f1_25"] == pytest.approx(2 / (1 + 3))
    assert figures([track], [0])["f1_25"] == pytest.approx(2 / (1 + 2))


def test_what_is_predicted_where_there_is_no_label_counts_for_nothing(
    make_track: MakeTrack,
) -> None:
    track = make_track([1, 1, -1, -1, -1, 2, 2], [1, 1, 3, 0, 3, 2, 2])
    assert set(figures([track]).values()) == {1.0}


@pytest.mark.parametrize("seed", range(60))
def test_they_are_those_of_loops_over_frames(seed: int, random_tracks: RandomTracks) -> None:
    tracks = random_tracks(seed, ties=seed % 3 == 0)
    background = {0} if seed % 2 else set()
    found = figures(tracks, sorted(background))
    assert found == pytest.approx(expected_figures(tracks, background), nan_ok=True)


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_the_edit_score_is_that_of_a_search(true: list[int], found: list[int]) -> None:
    score = edit_score(np.array(true, np.int64), np.array(found, np.int64))
    assert score == pytest.approx(naive_edit(true, found), nan_ok=True)


def test_a_video_of_background_alone_has_no_edit_score(make_track: MakeTrack) -> None:
    empty, wrong = make_track([0, 0]), make_track([0, 0], [0, 1])
    right = make_track([1, 1])
    assert np.isnan([*figures([empty], [0]).values()]).all()
    assert figures([empty, right], [0])["edit"] == 1
    assert figures([wrong, right], [0])["edit"] == 0.5
    assert figures([wrong], [0])["f1_10"] == 0


def test_one_frame_is_a_segment(make_track: MakeTrack) -> None:
    assert set(figures([make_track([2])]).values()) == {1.0}
    assert set(figures([make_track([2], [1])]).values()) == {0.0}


def test_a_draw_is_that_of_the_videos_drawn(random_tracks: RandomTracks) -> None:
    tracks = random_tracks(5)
    drawn = drawn_segmental_figures(SegmentCounts.of([track.labelled() for track in tracks]))
    numbers = [0, 2, 2, 2, 3, 5]
    counts = np.bincount(numbers, minlength=6)[None].astype(float)
    of_drawn = expected_figures([tracks[number] for number in numbers], set())
    assert {name: figure(counts)[0] for name, figure in drawn.items()} == pytest.approx(of_drawn)
