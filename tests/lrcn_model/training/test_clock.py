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
    assert clock.rate(8) == 4


def test_a_rate_moves_a_tenth_of_the_way_to_that_of_the_last_step(time: Time) -> None:
    clock = EpochClock(now=time)
    time.now += 1
    clock.rate(10)
    time.now += 1
    assert clock.rate(20) == pytest.approx(11)


def test_a_clock_that_has_not_moved_gives_figures_nevertheless(time: Time) -> None:
    clock = EpochClock(now=time)
    assert clock.share_waiting == 0
    assert clock.rate(0) == 0
