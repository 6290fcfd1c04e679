"""The processes that train together: who is who, and sums over all of them.

Started by torchrun, which says in the environment which one each process is; without it there is
one process, and everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """Which of how many processes this one is.

    Attributes:
        rank: Its number, from 0; that one writes and talks.
        count: How many there are.
        local_rank: Its number on its machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and talks."""
        return self.rank == 0

    def sum_(self, values: Tensor) -> Tensor:
        """Replace a tensor by its sum over all processes."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def share_(self, values: Tensor) -> None:
        """Replace a tensor by the first process's."""
        if self.count > 1:
            distributed.broadcast(values, 0)

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in the order of their numbers, in every process."""
        if self.count == 1:
            return [value]
        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            distributed.barrier()


def ranks_from_environment() -> Ranks:
    """What torchrun has put into the environment; one process without it."""
    return Ranks(
        rank=int(os.environ.get("RANK", "0")),
        count=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
    )


@contextmanager
def joined(ranks: Ranks, device: torch.device) -> Iterator[None]:
    """Connect the processes: over NCCL between GPUs, over gloo between CPUs."""
    if ranks.count == 1:
        yield
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
