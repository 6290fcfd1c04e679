"""The time that a worker has been at a video, without pauses of the process that measures it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.making.video_clock import VideoClock


def test_a_video_is_overdue_a_second_after_its_limit() -> None:
    clock = VideoClock(limit=2, looked=100)
    clock.begin(7, 100.5)
    for now in (101.0, 102.0, 103.0, 103.4):
        clock.look(now)
        assert not clock.overdue(now)
    clock.look(103.5)
    assert clock.overdue(103.5)
    assert clock.position == 7


def test_a_worker_between_videos_is_never_overdue() -> None:
    clock = VideoClock(limit=2, looked=0)
    assert not clock.overdue(1000)
    clock.begin(0, 1000)
    clock.end()
    assert not clock.overdue(2000)


def test_what_comes_before_a_video_counts_against_none() -> None:
    clock = VideoClock(limit=2, looked=0)
    clock.look(500)
    clock.begin(0, 500)
    for now in (501, 502):
        clock.look(now)
        assert not clock.overdue(now)
    clock.look(503)
    assert clock.overdue(503)


@given(st.integers(0, 8), st.integers(4, 10_000))
def test_a_pause_of_any_length_counts_against_no_video(before: int, pause: int) -> None:
    clock = VideoClock(limit=10, looked=0)
    clock.begin(0, 0)
    now = 0
    for now in range(1, before + 1):
        clock.look(now)
    resumed = now + pause
    clock.look(resumed)
    assert not clock.overdue(resumed)
    # all but the second after which it would have been looked at anyway
    left = 11 - before - 1
    for second in range(1, left):
        clock.look(resumed + second)
        assert not clock.overdue(resumed + second)
    assert clock.overdue(resumed + left)
