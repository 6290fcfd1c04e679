"""How the processes of a training find each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from torch.distributed import HashStore, PrefixStore, Store, TCPStore

from lrcn_data.errors import UsageError
from lrcn_model.ranks import Ranks, ranks_from_environment, unused_part

COUNT = 3


def parts(stores: list[Store]) -> list[Store]:
    """What every one of the processes gets, each with a connection of its own."""
    with ThreadPoolExecutor(COUNT) as pool:
        got = [
            pool.submit(unused_part, store, Ranks(rank=rank, count=COUNT))
            for rank, store in enumerate(stores)
        ]
        return [part.result(timeout=60) for part in got]


def test_processes_started_again_find_nothing_that_dead_ones_wrote() -> None:
    server = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    for attempt in range(10):
        clients: list[Store] = [
            TCPStore("localhost", server.port, is_master=False) for _ in range(COUNT)
        ]
        got = parts(clients)
        assert not any(part.check(["address"]) for part in got), attempt
        got[attempt % COUNT].set("address", str(attempt))
        assert [part.get("address") for part in got] == [str(attempt).encode()] * COUNT


def test_words_of_dead_processes_are_not_taken_for_those_of_living_ones() -> None:
    store = HashStore()
    for rank in range(COUNT):
        store.set(f"word/{rank}", f"dead{rank}")
    store.set("shown", "dead0 dead1 dead2")
    for rank in range(1, COUNT):
        store.set(f"seen/dead0/{rank}", "")
    dead = PrefixStore("dead0", store)
    dead.set("address", "gone")
    store.set_timeout(timedelta(seconds=30))
    assert not any(part.check(["address"]) for part in parts([store] * COUNT))


SAID = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
}
"""What torchrun says to the second of two processes."""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"MASTER_ADDR": "", "MASTER_PORT": ""},
            "WORLD_SIZE is 2, .* lacks MASTER_ADDR, MASTER_PORT",
        ),
        ({"RANK": "2"}, "RANK is 2 and WORLD_SIZE 2, which has processes 0 to 1"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', not a whole number"),
    ],
)
def test_an_environment_in_which_processes_cannot_find_each_other_is_refused(
    changed: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SAID.items():
        monkeypatch.setenv(name, value)
    assert ranks_from_environment() == Ranks(rank=1, count=2)
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=message):
        ranks_from_environment()
