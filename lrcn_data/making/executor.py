"""What an executor is: it decides when, where and in what order jobs are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

Job = TypeVar("Job")
Result = TypeVar("Result")


class Executor(Protocol):
    """Distributes jobs over threads, processes or machines, in whatever order.

    An executor changes no byte of a data set. It need not guard against harmful videos either: the
    function that does a job sees to that (see `isolated_work`).
    """

    def run(self, jobs: Sequence[Job], do: Callable[[Job], Result]) -> Iterator[Result]:
        """Have all jobs done.

        This is called in a thread of its own, which need not care about Ctrl-C: when a run is
        interrupted or fails, every call of `do` raises an error at once.

        Args:
            jobs: The jobs to do, each of them once and in any order.
            do: The function that does a job. It returns when the job is done, and uses about one
                core until then. It may be called from several threads at a time, and it may be
                pickled to be called in another process.

        Yields:
            What `do` has returned for each job, as soon as it has.

        Raises:
            Exception: The error that `do` has raised. No other job may be started after that.
        """


@runtime_checkable
class Stoppable(Protocol):
    """An executor that has jobs done in other processes, which would go on when the run has ended.

    Within this process a run that ends makes every call of `do` raise an error; a copy of `do` in
    another process doesn't hear of that.
    """

    def stop(self) -> None:
        """End all of them at once; called whenever a run ends, by whatever."""


BuildExecutor = Callable[[int | None], Executor]
"""Makes an executor, given the number of jobs that it should have done at a time; None for as many
as there is room for where it has them done."""
