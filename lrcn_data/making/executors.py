"""Who has jobs done, and where: the kinds of executors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from lrcn_data.kinds import Kinds

Job = TypeVar("Job")
Result = TypeVar("Result")


class Executor(Protocol):
    """Distributes jobs: in threads, in processes, over machines, in whatever order.

    It changes no byte of a data set. That no video harms anything is not its business: a job is
    done by a function that sees to that (see `isolated_work`).
    """

    def run(self, jobs: Sequence[Job], do: Callable[[Job], Result]) -> Iterator[Result]:
        """Have all jobs done.

        It runs in a thread of its own, which need not look after Ctrl-C: a run that is ended, or
        that fails, makes every call of `do` raise an error at once.

        Args:
            jobs: What is to be done, each once, in any order.
            do: Does a job, which takes as long as the job takes, and uses about one core. It may be
                called from several threads at a time, and be pickled to be called in another
                process.

        Yields:
            What `do` has returned, a job at a time, as soon as it is there.

        Raises:
            Exception: What `do` has raised; nothing is to be done after that.
        """


@runtime_checkable
class Stoppable(Protocol):
    """An executor that has jobs done in other processes, which would go on when the run has ended.

    Within this process a run that ends makes every call of `do` raise an error; a copy of `do` in
    another process doesn't hear of that.
    """

    def stop(self) -> None:
        """End all of them at once; called whenever a run ends, by whatever."""


BuildExecutor = Callable[[int], Executor]
"""What the table names: it makes an executor that has so many jobs done at a time."""

EXECUTORS: Kinds[BuildExecutor] = Kinds(
    what="executor",
    option="--executor",
    built_in={"local": "lrcn_data.making.local_executor:LocalExecutor"},
)
