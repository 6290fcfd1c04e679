"""The built-in executor, which has several jobs done at a time on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from lrcn_data.machine import usable_cores

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs threads, each of which waits for the worker process that does its job.

    Attributes:
        workers: The number of jobs that are done at a time; None for the cores that this process
            may use.
    """

    workers: int | None

    def run(self, jobs: Sequence[Job], do: Callable[[Job], Result]) -> Iterator[Result]:
        """Have all jobs done; see `executor.Executor.run`."""
        threads = ThreadPoolExecutor(self.workers or usable_cores())
        try:
            for future in as_completed([threads.submit(do, job) for job in jobs]):
                yield future.result()
        finally:
            threads.shutdown(cancel_futures=True)
