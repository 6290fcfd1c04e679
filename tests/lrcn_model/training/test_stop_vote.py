from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from lrcn_model.ranks import Ranks
from lrcn_model.training.stop_signals import StopSignals
from lrcn_model.training.stop_vote import StopVote

TWO = Ranks(rank=0, count=2)


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    with StopSignals() as stop:
        yield stop


def test_a_process_alone_stops_as_soon_as_it_has_its_signal(signals: StopSignals) -> None:
    vote = StopVote(signals, Ranks())
    assert not vote.own
    assert not vote.passed
    os.kill(os.getpid(), signal.SIGINT)
    assert vote.own
    assert vote.passed
    assert vote.signal_number == signal.SIGINT


def test_one_of_several_processes_waits_until_its_vote_is_counted(signals: StopSignals) -> None:
    vote = StopVote(signals, TWO)
    os.kill(os.getpid(), signal.SIGTERM)
    assert vote.own
    assert not vote.passed
    vote.count(1)
    assert vote.passed


def test_a_process_without_a_signal_stops_with_the_others_as_if_by_sigterm(
    signals: StopSignals,
) -> None:
    vote = StopVote(signals, TWO)
    vote.count(0)
    assert not vote.passed
    vote.count(1)
    assert not vote.own
    assert vote.passed
    assert vote.signal_number == signal.SIGTERM
