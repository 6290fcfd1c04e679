from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrcn_model.training.clock import EpochClock


class Time:
    """A clock that goes on only where it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def slow_items(time: Time, seconds: float, count: int) -> Iterator[int]:
    for number in range(count):
        time.now += seconds
        yield number
    time.now += seconds


def test_an_epochs_time_goes_on_where_a_stopped_training_left_it(time: Time) -> None:
    clock = EpochClock(seconds_before=7.0, now=time)
    time.now += 3
    assert clock.seconds == 10


def test_waiting_is_the_time_until_the_items_come_and_not_that_of_their_use(time: Time) -> None:
    clock = EpochClock(now=time)
    taken = []
    for item in clock.waiting_for(slow_items(time, 1.0, 3)):
        taken.append(item)
        time.now += 4
    assert taken == [0, 1, 2]
    # 4 times 1 second, the end included, of 3 times 4 besides
    assert clock.share_waiting == pytest.approx(4 / 16)


def test_the_first_rate_is_that_of_the_first_step(time: Time) -> None:
    clock = EpochClock(now=time)
    time.now += 2
    assert clock.rate(8, done_at=102) == 4


def test_a_rate_is_that_of_the_last_steps_the_later_ones_counting_more(time: Time) -> None:
    clock = EpochClock(now=time)
    clock.rate(10, done_at=101)
    assert clock.rate(20, done_at=102) == pytest.approx((0.9 * 10 + 20) / 1.9)
    for step in range(103, 203):
        rate = clock.rate(20, done_at=step)
    assert rate == pytest.approx(20, rel=1e-3)


def test_a_step_that_is_noted_late_has_the_time_that_it_took(time: Time) -> None:
    clock = EpochClock(now=time)
    # a training notes a step when the next one is done, and an epoch's last one at once
    rates = []
    for number in range(1, 4):
        time.now = 100 + number + (number < 3)
        rates.append(clock.rate(8, done_at=100 + number))
    assert rates == pytest.approx([8, 8, 8])


def test_a_step_that_is_done_at_once_changes_a_rate_by_its_clips_alone(time: Time) -> None:
    clock = EpochClock(now=time)
    for step in range(101, 201):
        clock.rate(8, done_at=step)
    assert clock.rate(8, done_at=200.001) < 1.25 * 8


def test_a_clock_that_has_not_moved_gives_figures_nevertheless(time: Time) -> None:
    clock = EpochClock(now=time)
    assert clock.share_waiting == 0
    assert clock.rate(0, done_at=100) == 0
