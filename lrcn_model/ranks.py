"""The processes that train together: who is who, and sums over all of them.

They are started by torchrun, which says in the environment which one each process is. Without it
there is one process, and nothing here has any effect.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from lrcn_data.errors import LrcnError, UsageError

_MEETING = timedelta(minutes=10)
"""How long the processes wait for each other at the start."""

_SAID_BY_TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""The variables by which several processes know and find each other."""

_LOOK_AGAIN = 0.02
"""The seconds between two looks at what the other processes have written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """The number of processes that train together, and which of them this one is.

    Attributes:
        rank: The number of this process, from 0.
        count: The number of processes that train together.
        local_rank: The number of this process on its machine, from 0.
        on_this_machine: The number of those processes that run on its machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    on_this_machine: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and reports progress."""
        return self.rank == 0

    def sum_(self, values: Tensor) -> Tensor:
        """Replace a tensor by its sum over all processes, in each of them, and return it."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def broadcast_(self, values: Tensor) -> None:
        """Replace a tensor by that of the first process, in all of them."""
        if self.count > 1:
            distributed.broadcast(values, 0)

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in the order of their numbers; each process gets them.

        Raises:
            LrcnError: Another process has ended.
        """
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        with self._others_there():
            distributed.all_gather_object(values, value)
        return values

    def from_first(self, value: Any) -> Any:
        """The value of the first process, in all of them.

        Raises:
            LrcnError: Another process has ended.
        """
        if self.count == 1:
            return value
        values = [value]
        with self._others_there():
            distributed.broadcast_object_list(values, 0)
        return values[0]

    def wait(self) -> None:
        """Wait until all processes have called this.

        Raises:
            LrcnError: Another process has ended.
        """
        if self.count > 1:
            with self._others_there():
                distributed.barrier()

    @contextmanager
    def _others_there(self) -> Iterator[None]:
        """Say in one line why what all processes do together has failed."""
        try:
            yield
        except RuntimeError as error:
            raise LrcnError(
                f"process {self.rank} ends since another one did, which has said why"
            ) from error


def ranks_from_environment() -> Ranks:
    """Which process this is, as torchrun says in the environment; without it, the only one.

    Raises:
        UsageError: The environment speaks of several processes, but not of all that they need.
    """
    count = _whole("WORLD_SIZE", 1)
    missing = [name for name in _SAID_BY_TORCHRUN if not os.environ.get(name)]
    if count > 1 and missing:
        raise UsageError(
            f"WORLD_SIZE is {count}, but the environment lacks {', '.join(missing)}, by which"
            " processes find each other; start them with torchrun, or unset WORLD_SIZE for one"
        )
    rank = _whole("RANK", 0)
    if not 0 <= rank < count:
        raise UsageError(
            f"RANK is {rank} and WORLD_SIZE {count}, which has processes 0 to {count - 1}; start"
            " them with torchrun, or unset RANK to train with one"
        )
    return Ranks(
        rank=rank,
        count=count,
        local_rank=_whole("LOCAL_RANK", 0),
        on_this_machine=_whole("LOCAL_WORLD_SIZE", 1),
    )


def _whole(name: str, default: int) -> int:
    """A whole number that the environment has."""
    text = os.environ.get(name) or str(default)
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            f"the environment variable {name} is {text!r}, not a whole number; start the processes"
            " with torchrun, or unset it"
        ) from None


@contextmanager
def joined(ranks: Ranks, device: torch.device) -> Iterator[None]:
    """Connect the processes, over NCCL between GPUs and over gloo between CPUs.

    Args:
        ranks: The number of processes, and which of them this one is.
        device: The device that this process computes on.

    Raises:
        torch.distributed.DistStoreError: Not all processes connected within ten minutes.
    """
    if ranks.count == 1:
        yield
        return
    # DistributedDataParallel imports this module, whose functions have the group of the time of its
    # import as a default (torch 2.13): that group and its threads would never end, and threads
    # that are there when the interpreter ends can abort the process
    import torch.distributed.nn.functional  # noqa: F401

    store, _, _ = next(rendezvous("env://", timeout=_MEETING))
    distributed.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        store=unused_part(store, ranks),
        rank=ranks.rank,
        world_size=ranks.count,
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()


def unused_part(store: Store, ranks: Ranks) -> Store:
    """A new and empty part of a store, the same one for all processes that are alive now.

    torchrun keeps its store when it starts the processes again after one died (torch 2.13), so
    that they would find the addresses of dead processes there and wait for those (2 of 5 times).
    The number of restarts can't name the part, since each machine counts its own.

    Every process writes a word that nobody has written before. The first process shows all words
    that it sees, its own in front, until each of the others has said that its own word is among
    them, and so knows that the first one is alive. The first one's word names the part.

    Args:
        store: The store that all processes, dead or alive, write to.
        ranks: The number of processes, and which of them this one is.

    Raises:
        torch.distributed.DistStoreError: Not all processes wrote their word within ten minutes.
    """
    mine = secrets.token_hex(8)
    store.set(f"word/{ranks.rank}", mine)
    words = [f"word/{rank}" for rank in range(ranks.count)]
    seen = [f"seen/{mine}/{rank}" for rank in range(1, ranks.count)]
    store.wait(words, _MEETING)
    deadline = time.monotonic() + _MEETING.total_seconds()
    while time.monotonic() < deadline:
        if ranks.first:
            store.set("shown", b" ".join(store.multi_get(words)).decode())
            if store.check(seen):
                return PrefixStore(mine, store)
        elif store.check(["shown"]):
            first, *others = store.get("shown").decode().split()
            if mine in others:
                store.set(f"seen/{first}/{ranks.rank}", "")
                return PrefixStore(first, store)
        time.sleep(_LOOK_AGAIN)
    raise distributed.DistStoreError(
        f"not all {ranks.count} processes came within {_MEETING}; start them again"
    )
