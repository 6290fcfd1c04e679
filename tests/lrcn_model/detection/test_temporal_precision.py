"""Temporal mAP, against a loop over detections and thresholds of one class, video and overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lrcn_model.detection.temporal_precision import (
    MEAN,
    OVERLAPS,
    Detection,
    TrueSegment,
    detections,
    drawn_temporal_map,
    temporal_average_precision,
    true_segments,
)
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks


def overlap(one: Detection, other: TrueSegment) -> float:
    if (one.start, one.end) == (other.start, other.end):
        return 1.0
    common = max(0.0, min(one.end, other.end) - max(one.start, other.start))
    return common / (one.end - one.start + other.end - other.start - common)


def naive(true: Sequence[TrueSegment], found: Sequence[Detection], least: float) -> float:
    """Of one class: detections one by one, then for each recall the best precision beyond it."""
    left, right = list(true), []
    for one in sorted(found, key=lambda one: (-one.score, one.start, one.end)):
        best = max(
            (other for other in left if other.video == one.video),
            key=lambda other: overlap(one, other),
            default=None,
        )
        hit = best is not None and overlap(one, best) >= least
        right.append((one.score, hit))
        if hit:
            left.remove(best)
    points = []
    for threshold, _ in right:
        kept = [hit for score, hit in right if score >= threshold]
        points.append((sum(kept) / len(true), sum(kept) / len(kept)))
    recalls = [n / len(true) for n in range(1, len(true) + 1)]
    best_beyond = [max([p for r, p in points if r >= recall], default=0.0) for recall in recalls]
    return float(np.mean(best_beyond))


def naive_mean(true: Sequence[TrueSegment], found: Sequence[Detection], least: float) -> float:
    """Over the classes that have a true segment."""
    of_classes = [
        naive(
            [one for one in true if one.label == label],
            [one for one in found if one.label == label],
            least,
        )
        for label in {one.label for one in true}
    ]
    return float(np.mean(of_classes)) if of_classes else float("nan")


def drawn_segments(seed: int) -> tuple[list[TrueSegment], list[Detection]]:
    """Detections near true segments and elsewhere, some with equal scores."""
    rng = np.random.default_rng(seed)
    true, found = [], []
    for video in "abc":
        starts = np.sort(rng.random(8) * 50)
        for start, end in zip(starts[::2], starts[1::2], strict=True):
            label = int(rng.integers(3))
            true.append(TrueSegment(video, float(start), float(end), label))
            for _ in range(rng.integers(3)):
                shift = rng.normal(0, 0.3 * (end - start), 2)
                start_found, end_found = sorted([start + shift[0], end + shift[1]])
                score = round(float(rng.random()), 1)
                found.append(Detection(video, start_found, end_found + 0.01, label, score))
        for _ in range(5):
            start, label = float(rng.random() * 50), int(rng.integers(4))
            found.append(Detection("abcd"[rng.integers(4)], start, start + 4, label, 0.5))
    return true, [found[place] for place in rng.permutation(len(found))]


@pytest.mark.parametrize("seed", range(60))
def test_it_is_that_of_a_loop_over_detections(seed: int) -> None:
    true, found = drawn_segments(seed)
    precision = temporal_average_precision(true, found)
    assert precision.keys() == {segment.label for segment in true}
    for label, of_class in precision.items():
        own, own_found = ([one for one in some if one.label == label] for some in (true, found))
        expected = [naive(own, own_found, least) for least in OVERLAPS.values()]
        assert of_class == pytest.approx(expected)


def test_values_by_hand() -> None:
    true = [TrueSegment("a", 0, 10, 0), TrueSegment("a", 20, 30, 0)]
    found = [
        Detection("a", 0, 8, 0, 0.9),  # overlaps the first by 8 / 10
        Detection("a", 0, 10, 0, 0.8),  # which is found already
        Detection("b", 20, 30, 0, 0.7),  # in a video without one
        Detection("a", 25, 30, 0, 0.6),  # overlaps the second by 5 / 10
    ]
    # precision 1 at a recall of a half, and 2/4 at all
    assert temporal_average_precision(true, found, [0.5]) == {0: [(1 + 2 / 4) / 2]}
    assert temporal_average_precision(true, found, [0.7]) == {0: [1 / 2]}
    # the second detection overlaps more than the first
    assert temporal_average_precision(true, found, [0.9]) == {0: [1 / 2 / 2]}


def test_a_detection_that_overlaps_a_little_too_little_finds_nothing() -> None:
    true = [TrueSegment("a", 0, 10, 0)]
    for end, precision in ((5.0, 1.0), (4.9999, 0.0)):
        found = [Detection("a", 0, end, 0, 0.9)]
        assert temporal_average_precision(true, found, [0.5]) == {0: [precision]}


def test_the_curve_is_interpolated() -> None:
    true = [TrueSegment("a", 10 * n, 10 * n + 5, 0) for n in range(3)]
    found = [Detection("a", 100, 105, 0, 0.9)] + [
        Detection("a", one.start, one.end, 0, 0.5 - n / 10) for n, one in enumerate(true)
    ]
    # precision 1/2, 2/3, 3/4 as recall rises; each is the best one beyond
    assert temporal_average_precision(true, found, [0.5]) == {0: [pytest.approx(3 / 4)]}


def test_a_detection_may_find_the_second_best_segment() -> None:
    true = [TrueSegment("a", 0, 10, 0), TrueSegment("a", 4, 14, 0)]
    found = [Detection("a", 0, 10, 0, 0.9), Detection("a", 1, 11, 0, 0.8)]
    assert temporal_average_precision(true, found, [0.5]) == {0: [1.0]}


def test_equal_scores_are_one_step_in_any_order() -> None:
    true = [TrueSegment("a", 0, 10, 0)]
    found = [Detection("a", 0, 10, 0, 0.5), Detection("a", 20, 30, 0, 0.5)]
    for order in (found, found[::-1]):
        assert temporal_average_precision(true, order, [0.5]) == {0: [0.5]}


def test_of_equal_scores_the_first_in_time_finds_first() -> None:
    true = [TrueSegment("a", 0, 10, 0), TrueSegment("a", 4, 14, 0)]
    # the second one overlaps both by half and more, the first one only the first
    found = [Detection("a", 0, 10, 0, 0.5), Detection("a", 1, 11, 0, 0.5)]
    for order in (found, found[::-1]):
        assert temporal_average_precision(true, order, [0.5]) == {0: [1.0]}


def test_frames_are_detected_as_runs_with_their_mean_probability(make_track: MakeTrack) -> None:
    scores = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    frames = make_track([1, 1, 1, 0], scores=scores).labelled()
    assert true_segments([frames]) == [
        TrueSegment(0, 0.0, pytest.approx(0.3), 1),
        TrueSegment(0, 0.3, pytest.approx(0.4), 0),
    ]
    assert detections([frames], [0]) == [
        Detection(0, 0.0, pytest.approx(0.2), 1, pytest.approx(0.85)),
        Detection(0, 0.3, pytest.approx(0.4), 1, pytest.approx(0.7)),
    ]


def test_half_of_a_segment_is_half_of_it_though_times_are_rounded(make_track: MakeTrack) -> None:
    times = np.round(np.arange(6) / 30, 6)
    frames = make_track([1] * 6, [1, 1, 1, 0, 0, 0]).labelled()
    frames = frames._replace(starts_F=times, ends_F=np.round(np.arange(1, 7) / 30, 6))
    found = drawn_temporal_map([frames], [])
    assert found["temporal_map_50"](np.ones((1, 1)))[0] == 1
    assert found["temporal_map_60"](np.ones((1, 1)))[0] == 0


def test_one_frame_is_a_segment(make_track: MakeTrack) -> None:
    right, wrong = make_track([1]).labelled(), make_track([1], [2]).labelled()
    assert drawn_temporal_map([right], [])[MEAN](np.ones((1, 1))) == [1]
    assert drawn_temporal_map([wrong], [])[MEAN](np.ones((1, 1))) == [0]


def test_without_a_true_segment_there_is_none(make_track: MakeTrack) -> None:
    for frames in (make_track([-1], [1]), make_track([0, 0], [0, 1])):
        found = drawn_temporal_map([frames.labelled()], [0])
        assert np.isnan([figure(np.ones((1, 1)))[0] for figure in found.values()]).all()
    assert temporal_average_precision([], [Detection("a", 0, 1, 0, 1)]) == {}


@pytest.mark.parametrize("seed", range(20))
def test_a_draw_is_that_of_the_videos_drawn(seed: int, random_tracks: RandomTracks) -> None:
    videos = [track.labelled() for track in random_tracks(seed, ties=seed % 2 == 0)]
    figures = drawn_temporal_map(videos, [0])
    drawn = np.random.default_rng(seed).integers(0, 6, (4, 6))
    counts = np.stack([np.bincount(row, minlength=6) for row in drawn]).astype(float)
    for row, numbers in enumerate(drawn):
        some = [videos[number] for number in numbers]
        true, found = true_segments(some, [0]), detections(some, [0])
        means = [naive_mean(true, found, least - 1e-4) for least in OVERLAPS.values()]
        for name, mean in zip(OVERLAPS, means, strict=True):
            assert figures[name](counts)[row] == pytest.approx(mean, nan_ok=True)
        assert figures[MEAN](counts)[row] == pytest.approx(np.mean(means), nan_ok=True)
