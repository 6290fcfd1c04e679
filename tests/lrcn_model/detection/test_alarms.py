"""Onset delay and false alarms, against a walk along the frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lrcn_model.detection.alarms import Alarm, AlarmCounts, AlarmFigures, drawn_alarm_figures
from lrcn_model.detection.frame_track import FrameTrack
from tests.lrcn_model.detection.conftest import MakeTrack, RandomTracks


def figures(tracks: Sequence[FrameTrack], label: int = 1, min_length: float = 0.0) -> AlarmFigures:
    alarm = Alarm(label=label, min_length=min_length)
    return AlarmFigures.of(alarm, AlarmCounts.of([one.labelled() for one in tracks], alarm))


def naive(track: FrameTrack, label: int, min_length: float) -> tuple[list[float | None], int]:
    """The delay of each true segment, None where it is missed, and the false alarms."""
    frames = track.labelled()
    stretches: dict[str, list[list[int]]] = {"true": [], "alarm": []}
    for kind, classes in (("true", frames.labels_F), ("alarm", frames.predicted_F)):
        before = None
        for n, (position, one) in enumerate(zip(frames.positions_F, classes, strict=True)):
            if one == label:
                if before == (position - 1, label):
                    stretches[kind][-1].append(n)
                else:
                    stretches[kind].append([n])
            before = (position, one)
    alarms = [
        run
        for run in stretches["alarm"]
        if frames.ends_F[run[-1]] - frames.starts_F[run[0]] > min_length - 1e-6
    ]
    delays: list[float | None] = []
    for segment in stretches["true"]:
        noticed = [n for n in segment if any(n in run for run in alarms)]
        start = frames.starts_F[segment[0]]
        delays.append(frames.starts_F[noticed[0]] - start if noticed else None)
    false = [run for run in alarms if all(frames.labels_F[n] != label for n in run)]
    return delays, len(false)


def test_figures_counted_by_hand(make_track: MakeTrack) -> None:
    #                   0.0         0.3            0.7         1.0
    track = make_track([0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0])
    early = make_track([0, 1, 1, 1], [1, 1, 1, 1], video="b.avi")
    found = figures([track, early])
    assert (found.segments, found.detected, found.false_alarms) == (3, 2, 2)
    # 0.2 seconds, and at once
    assert found.delay_mean == pytest.approx(0.1)
    assert found.delay_median == pytest.approx(0.1)
    assert found.detected_share == pytest.approx(2 / 3)
    assert found.hours == pytest.approx(1.6 / 3600)
    assert found.false_alarms_an_hour == pytest.approx(2 * 3600 / 1.6)


def test_runs_that_are_too_short_raise_no_alarm(make_track: MakeTrack) -> None:
    track = make_track([1, 1, 1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 0, 1, 0])
    found = figures([track], min_length=0.2)
    assert (found.detected, found.false_alarms) == (1, 0)
    assert found.delay_mean == pytest.approx(0.2)
    assert figures([track], min_length=0.3).detected == 0


def test_a_class_that_never_occurs_has_false_alarms_alone(make_track: MakeTrack) -> None:
    found = figures([make_track([0, 0, 0, -1], [0, 3, 0, 3])], label=3)
    assert (found.segments, found.false_alarms) == (0, 1)
    assert np.isnan([found.detected_share, found.delay_mean, found.delay_median]).all()


def test_without_a_labelled_frame_there_is_none(make_track: MakeTrack) -> None:
    for tracks in ([], [make_track([-1, -1], [1, 1])]):
        found = figures(tracks)
        assert (found.segments, found.false_alarms, found.hours) == (0, 0, 0)
        assert np.isnan(found.false_alarms_an_hour)


@pytest.mark.parametrize("seed", range(40))
def test_they_are_those_of_a_walk_along_the_frames(seed: int, random_tracks: RandomTracks) -> None:
    tracks = random_tracks(seed)
    min_length = 0.0 if seed % 2 else 0.16
    found, walked = figures(tracks, 2, min_length), [naive(one, 2, min_length) for one in tracks]
    delays = [delay for of_track, _ in walked for delay in of_track]
    there = [delay for delay in delays if delay is not None]
    assert (found.segments, found.detected) == (len(delays), len(there))
    assert found.false_alarms == sum(false for _, false in walked)
    assert found.delay_mean == pytest.approx(np.mean(there) if there else np.nan, nan_ok=True)
    assert found.delay_median == pytest.approx(np.median(there) if there else np.nan, nan_ok=True)


@pytest.mark.parametrize("seed", range(10))
def test_a_draw_is_that_of_the_videos_drawn(seed: int, random_tracks: RandomTracks) -> None:
    tracks = random_tracks(seed)
    alarm = Alarm(label=2)
    drawn = drawn_alarm_figures(AlarmCounts.of([one.labelled() for one in tracks], alarm))
    numbers = np.random.default_rng(seed).integers(0, 6, 6)
    counts = np.bincount(numbers, minlength=6)[None].astype(float)
    of_drawn = figures([tracks[number] for number in numbers], 2)
    for name, figure in drawn.items():
        assert figure(counts)[0] == pytest.approx(getattr(of_drawn, name), nan_ok=True)
