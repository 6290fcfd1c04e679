from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from lrcn_data.errors import UsageError
from lrcn_model.detection.alarms import Alarm
from lrcn_model.detection.detection_comparison import compare_detection
from lrcn_model.detection.detection_result import DetectionResult, detection_result
from lrcn_model.detection.frame_track import FrameTrack
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks

SCALARS = [
    one.name
    for one in fields(DetectionResult)
    if one.type == "float" and one.name != "frame_loss"  # the only one that is no fraction
]


def scipys(videos: int, statistic: object) -> tuple[float, float]:
    """By the percentile method, 95 %, 9,999 draws, seed 0."""
    found = stats.bootstrap(
        (np.arange(videos),),
        statistic,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def accuracy(tracks: list[FrameTrack]) -> float:
    labels = np.concatenate([track.labels for track in tracks])
    found = np.concatenate([track.scores.argmax(axis=1) for track in tracks])
    return float((labels == found)[labels >= 0].mean())


def test_a_net_that_is_right_everywhere_has_all_figures_at_one(make_track: MakeTrack) -> None:
    tracks = [make_track([1, 1, 0, 2, 2, -1], video=name) for name in ("a.avi", "b.avi")]
    found = detection_result(tracks, background=[0], alarm=Alarm(label=2))
    assert {name: getattr(found, name) for name in SCALARS} == dict.fromkeys(SCALARS, 1.0)
    assert {found.intervals[name] for name in SCALARS} == {(1.0, 1.0)}
    assert found.frame_loss == 0
    assert (found.videos, found.frames, found.unlabelled_frames) == (2, 10, 2)
    assert (found.segments, found.predicted_segments, found.background) == (4, 4, [0])
    assert found.class_frames == [2, 4, 4, 0]
    assert found.alarm is not None
    assert (found.alarm.detected_share, found.alarm.false_alarms) == (1.0, 0)


def test_background_is_left_out_of_precision_and_segments_alone(make_track: MakeTrack) -> None:
    tracks = [make_track([0, 0, 1], [2, 2, 1])]
    with_all, without = (detection_result(tracks, background=some) for some in ([], [0]))
    assert with_all.frame_accuracy == without.frame_accuracy == pytest.approx(1 / 3)
    assert with_all.mean_class_accuracy == without.mean_class_accuracy == 0.5
    assert with_all.average_precision[:2] == without.average_precision[:2]
    # of the frames of class 0 two in three score as much as they do
    assert with_all.frame_map == pytest.approx((2 / 3 + 1) / 2)
    assert with_all.temporal_map == 0.5
    assert (without.frame_map, without.temporal_map) == (1, 1)
    # what stands where the background is stays wrong
    assert with_all.f1_50 == 2 * 1 / (2 + 2)
    assert without.f1_50 == 2 * 1 / (1 + 2)
    assert (with_all.edit, without.edit) == (0.5, 0.5)


def test_each_figure_has_an_interval(random_tracks: RandomTracks) -> None:
    found = detection_result(random_tracks(1, videos=8), alarm=Alarm(label=2))
    of_alarm = {"detected_share", "delay_mean", "delay_median", "false_alarms_an_hour"}
    assert found.intervals.keys() == {*SCALARS, *of_alarm}
    for name in SCALARS:
        low, high = found.intervals[name]
        assert low <= high, name


def test_an_interval_is_scipys_over_videos_with_labels(
    random_tracks: RandomTracks, make_track: MakeTrack
) -> None:
    tracks = [*random_tracks(2, videos=5), make_track([-1, -1], [1, 0])]
    there = [track for track in tracks if (track.labels >= 0).any()]
    found = detection_result(tracks)
    assert (found.videos, found.unlabelled_videos) == (len(there), len(tracks) - len(there))
    assert found.frame_accuracy == pytest.approx(accuracy(there))
    expected = scipys(len(there), lambda numbers: accuracy([there[n] for n in numbers]))
    assert found.intervals["frame_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_without_intervals_figures_are_the_same(random_tracks: RandomTracks) -> None:
    tracks = random_tracks(4)
    found, quick = (detection_result(tracks, with_intervals=both) for both in (True, False))
    assert [getattr(found, name) for name in SCALARS] == [getattr(quick, name) for name in SCALARS]
    assert quick.intervals == {}


@pytest.mark.parametrize("labels", [[], [-1], [-1, -1]])
def test_without_a_labelled_frame_nothing_is_counted(
    labels: list[int], make_track: MakeTrack
) -> None:
    tracks = [make_track(labels, [1] * len(labels), video=name) for name in ("a.avi", "b.avi")]
    found = detection_result(tracks, alarm=Alarm(label=1))
    assert np.isnan([getattr(found, name) for name in SCALARS]).all()
    assert (found.videos, found.unlabelled_videos, found.frames) == (0, 2, 0)
    assert found.intervals == {}
    assert np.isnan(detection_result([]).frame_map)


def test_one_video_has_figures_and_no_interval(make_track: MakeTrack) -> None:
    found = detection_result([make_track([1])])
    assert {getattr(found, name) for name in SCALARS} == {1.0}
    assert found.intervals == {}


def test_it_is_json_with_null_where_nothing_was_counted(make_track: MakeTrack) -> None:
    tracks = [make_track([1, 1], [1, 2], video=name) for name in ("a.avi", "b.avi")]
    report = json.loads(
        json.dumps(detection_result(tracks, alarm=Alarm(label=3)).report(), allow_nan=False)
    )
    assert report["frame_accuracy"] == 0.5
    assert report["recall"] == [None, 0.5, None, None]
    assert report["alarm"]["delay_mean"] is None
    assert report["intervals"]["frame_accuracy"] == [0.5, 0.5]
    assert report["intervals"]["draws"] == 9_999
    assert detection_result(tracks).report()["alarm"] is None


def test_classes_and_videos_that_make_no_sense_are_refused(make_track: MakeTrack) -> None:
    track = make_track([1])
    with pytest.raises(UsageError, match="there is no class 4; classes are from 0 to 3"):
        detection_result([track], background=[0, 4])
    with pytest.raises(UsageError, match="there is no class -1"):
        detection_result([track], alarm=Alarm(label=-1))
    with pytest.raises(UsageError, match=r"a\.avi is there twice"):
        detection_result([track, track])


def test_two_runs_are_compared_on_the_same_draws(random_tracks: RandomTracks) -> None:
    first = [track for track in random_tracks(6, videos=7) if (track.labels >= 0).any()]
    rng = np.random.default_rng(0)
    second = []
    for track in first:
        noise = rng.random(track.scores.shape)
        scores = (track.scores + noise) / (1 + noise.sum(axis=1, keepdims=True))
        second.append(
            FrameTrack(
                video=track.video,
                source=track.source,
                positions=track.positions,
                times=track.times,
                labels=track.labels,
                scores=scores,
            )
        )
    found = compare_detection(first, second[::-1], alarm=Alarm(label=2))
    one, other = (detection_result(tracks, alarm=Alarm(label=2)) for tracks in (first, second))
    for name in SCALARS:
        difference = getattr(one, name) - getattr(other, name)
        assert found.differences[name] == pytest.approx(difference), name
    assert found.intervals.keys() == found.differences.keys() == one.intervals.keys()

    def difference_of(numbers: np.ndarray) -> float:
        return accuracy([first[n] for n in numbers]) - accuracy([second[n] for n in numbers])

    expected = scipys(len(first), difference_of)
    assert found.intervals["frame_accuracy"] == pytest.approx(expected, abs=1e-12)
    assert json.dumps(found.report(), allow_nan=False)


def test_a_run_and_itself_differ_in_nothing(random_tracks: RandomTracks) -> None:
    tracks = random_tracks(7)
    found = compare_detection(tracks, tracks)
    assert set(found.differences.values()) == {0.0}
    assert {tuple(interval) for interval in found.intervals.values()} == {(0.0, 0.0)}


def test_runs_on_other_frames_are_not_compared(make_track: MakeTrack) -> None:
    track = make_track([1, 1])
    with pytest.raises(UsageError, match="on 1 and 2 videos, of which 1 are the same"):
        compare_detection([track], [track, make_track([1], video="b.avi")])
    with pytest.raises(UsageError, match=r"other frames or labels of a\.avi"):
        compare_detection([track], [make_track([1, 2])])
    with pytest.raises(UsageError, match=r"other frames or labels of a\.avi"):
        compare_detection([track], [make_track([1, 1], positions=[0, 2])])


def test_figures_need_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None\n" + "\n".join(
        f"import lrcn_model.detection.{name}"
        for name in ("detection_result", "detection_comparison", "track_joiner")
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_loss_is_the_mean_cross_entropy_of_labelled_frames(random_tracks: RandomTracks) -> None:
    tracks = random_tracks(4, videos=3)
    losses = [
        -np.log(track.scores[frame, label])
        for track in tracks
        for frame, label in enumerate(track.labels.tolist())
        if label >= 0
    ]
    found = detection_result(tracks, with_intervals=False, skipped=2, failed=1)
    assert found.frame_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert (found.skipped, found.failed) == (2, 1)
