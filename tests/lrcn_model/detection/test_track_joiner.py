"""Windows joined to videos, against the mean over a list of all windows that hold a frame."""

from __future__ import annotations

import pickle
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from lrcn_data.errors import LrcnError
from lrcn_model.detection.track_joiner import TrackJoiner


def window(start: int, scores: list[list[float]], **changed: Any) -> dict[str, Any]:
    length = len(scores)
    return {
        "video": "a.avi",
        "source": 7,
        "start": start,
        "times_T": (start + np.arange(length)) / 10,
        "labels_T": (start + np.arange(length)) // 3 % 2,
        "scores_TC": np.array(scores),
        "num_valid": length,
        **changed,
    }


def test_a_frame_has_the_mean_of_its_windows_scores() -> None:
    joiner = TrackJoiner()
    joiner.add(**window(2, [[0.5, 0.5], [1, 0]]))
    joiner.add(**window(0, [[0, 1], [0.25, 0.75], [1, 0]]))
    (track,) = joiner.tracks()
    assert track.identity == ("a.avi", 7)
    assert track.positions.tolist() == [0, 1, 2, 3]
    assert track.times.tolist() == [0, 0.1, 0.2, 0.3]
    assert track.labels.tolist() == [0, 0, 0, 1]
    assert track.scores.tolist() == [[0, 1], [0.25, 0.75], [0.75, 0.25], [1, 0]]


def test_frames_that_only_fill_up_a_window_are_left_out() -> None:
    joiner = TrackJoiner()
    joiner.add(**window(0, [[1, 0], [0, 1], [0, 1]], num_valid=2))
    (track,) = joiner.tracks()
    assert track.positions.tolist() == [0, 1]


def test_a_frame_that_no_window_holds_is_not_in_the_track() -> None:
    joiner = TrackJoiner()
    joiner.add(**window(0, [[1, 0]]))
    joiner.add(**window(5, [[0, 1]]))
    (track,) = joiner.tracks()
    assert track.positions.tolist() == [0, 5]
    assert track.scores.tolist() == [[1, 0], [0, 1]]


def test_equal_paths_of_two_files_are_two_videos() -> None:
    joiner = TrackJoiner()
    joiner.add(**window(0, [[1, 0]]))
    joiner.add(**window(0, [[0, 1]], source=8))
    assert [track.source for track in joiner.tracks()] == [7, 8]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels_T": np.array([1, 1])}, "frame 2 of a.avi has the label 0 .* and 1 in another"),
        ({"times_T": np.array([0.2, 0.4])}, "frame 3 of a.avi has the time 0.3.* and 0.4 in"),
    ],
)
def test_windows_that_contradict_each_other_are_refused(changed: dict[str, Any], said: str) -> None:
    first, second = TrackJoiner(), TrackJoiner()
    first.add(**window(0, [[1, 0]] * 4))
    second.add(**window(2, [[1, 0]] * 2, **changed))
    with pytest.raises(LrcnError, match=said):
        first.add(**window(2, [[1, 0]] * 2, **changed))
    with pytest.raises(LrcnError, match=said):
        first.merge(second)


@pytest.mark.parametrize("changed", [{"num_valid": 3}, {"start": -1}, {"labels_T": np.zeros(1)}])
def test_arrays_that_make_no_window_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"a.avi: a window from frame"):
        TrackJoiner().add(**{**window(0, [[1, 0]] * 2), **changed})


@pytest.mark.parametrize("seed", range(20))
def test_windows_in_any_order_and_any_process_are_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [TrackJoiner() for _ in range(3)]
    of_frame = defaultdict(list)
    for _ in range(60):
        start, length = int(rng.integers(0, 90)), int(rng.integers(1, 20))
        scores, valid = rng.random((length, 3)), int(rng.integers(0, length + 1))
        video = f"{rng.integers(2)}.avi"
        given = window(start, scores.tolist(), video=video, num_valid=valid)
        parts[rng.integers(3)].add(**given)
        for place in range(valid):
            of_frame[video, start + place].append(scores[place])
    joined = TrackJoiner()
    for part in parts:
        joined.merge(pickle.loads(pickle.dumps(part)))
    found = {
        (track.video, position): (label, time, scores)
        for track in joined.tracks()
        for position, label, time, scores in zip(
            track.positions, track.labels, track.times, track.scores, strict=True
        )
    }
    assert found.keys() == of_frame.keys()
    for (video, position), scores in of_frame.items():
        label, time, mean = found[video, position]
        assert (label, time) == (position // 3 % 2, position / 10)
        assert mean == pytest.approx(np.mean(scores, axis=0), abs=1e-6)
