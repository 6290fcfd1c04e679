"""Clocks that wrap, jump and run backwards."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.video.clock_jumps import Clock, may_jump, put_right

CLOCK = Clock(
    time_base=Fraction(1, 90000),
    container_start=0,
    start=0,
    wraps_at=33,
    jumps=True,
    frame=3600,
)


def steady(count: int, first: int = 0) -> list[int | None]:
    return [first + 3600 * number for number in range(count)]


@given(st.integers(1, 50), st.integers(0, 1 << 32))
def test_a_steady_clock_is_left_alone(count: int, first: int) -> None:
    times = steady(count, first)
    clock = replace(CLOCK, container_start=first * 100 // 9, start=first)
    assert put_right(times, times, [3600] * count, clock) == (times, times)


@given(
    st.integers(2, 50),
    st.integers(2, 50),
    st.one_of(st.integers(-(10**9), -20000), st.integers(10**6, 10**9)),
)
def test_what_follows_a_jump_is_where_it_would_be_without(
    before: int, after: int, jump: int
) -> None:
    times = steady(before) + steady(after, 3600 * before + jump)
    whole = steady(before + after)
    durations = [3600] * len(times)
    found, _ = put_right(times, times, durations, CLOCK)
    # a gap is measured in microseconds, as ffmpeg does
    assert all(abs(a - b) <= 1 for a, b in zip(found, whole, strict=True) if a is not None and b)
    assert put_right(times, times, durations, replace(CLOCK, jumps=False)) == (times, times)


def test_a_gap_of_seconds_is_no_jump() -> None:
    times = steady(5) + steady(5, 9 * 90000)
    assert put_right(times, times, [3600] * 10, CLOCK) == (times, times)


def test_times_from_before_a_wrap_are_negative() -> None:
    times: list[int | None] = [(1 << 33) - 7200, (1 << 33) - 3600, 0, 3600]
    found, _ = put_right(times, times, [3600] * 4, CLOCK)
    assert found == [-7200, -3600, 0, 3600]


def test_a_time_a_week_away_is_not_believed() -> None:
    times: list[int | None] = [0, 40, 1 << 31, 120]
    clock = replace(CLOCK, time_base=Fraction(1, 1000), jumps=False, wraps_at=None, frame=40)
    assert may_jump(times, clock.time_base)
    assert put_right(times, times, [40] * 4, clock) == ([0, 40, None, 120],) * 2


def test_a_first_time_is_believed_however_late_it_is() -> None:
    times: list[int | None] = [1 << 31, (1 << 31) + 40]
    clock = replace(CLOCK, time_base=Fraction(1, 1000), jumps=False, wraps_at=None, frame=40)
    assert put_right(times, times, [40] * 2, clock) == (times, times)


def test_a_packet_without_times_is_counted_by_how_long_it_lasts() -> None:
    # what follows it is no jump, and what jumps after it goes where it would be
    times = [*steady(3), None, *steady(2, 4 * 3600), *steady(2, 10**8)]
    found, decoded = put_right(times, times, [3600] * 8, CLOCK)
    whole = [*steady(3), None, *steady(4, 4 * 3600)]
    assert found == decoded
    assert [time is None for time in found] == [time is None for time in whole]
    assert all(
        abs(a - b) <= 1
        for a, b in zip(found, whole, strict=True)
        if a is not None and b is not None
    )


def test_durations_that_are_unknown_are_those_of_a_frame() -> None:
    times = steady(4) + steady(4, 4 * 3600 + 10**8)
    known = put_right(times, times, [3600] * 8, CLOCK)
    assert put_right(times, times, [0] * 8, CLOCK) == known


def test_only_the_pts_that_is_absurd_is_taken_away() -> None:
    shown: list[int | None] = [0, 1 << 31, 80, 120]
    decoded: list[int | None] = [0, 40, 80, 120]
    clock = replace(CLOCK, time_base=Fraction(1, 1000), jumps=False, wraps_at=None, frame=40)
    assert put_right(shown, decoded, [40] * 4, clock) == ([0, None, 80, 120], decoded)


def test_times_without_dts_are_not_looked_at() -> None:
    shown: list[int | None] = [0, 1 << 31, 80]
    nothing: list[int | None] = [None] * 3
    clock = replace(CLOCK, time_base=Fraction(1, 1000), jumps=False, wraps_at=None, frame=40)
    assert put_right(shown, nothing, [40] * 3, clock) == (shown, nothing)
