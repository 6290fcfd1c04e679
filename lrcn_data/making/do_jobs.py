"""Has an executor do jobs, and reacts to Ctrl-C whatever the executor is doing meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic

from lrcn_data.making.executor import Executor, Stoppable
from lrcn_data.making.in_process_work import InProcessWork
from lrcn_data.making.isolated_work import Done, IsolatedWork, as_it_is
from lrcn_data.making.worker_process import Result, Work

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport

_LOOK = 1.0
"""Seconds between two looks for a signal; one that reaches another thread doesn't wake this one."""

_PATIENCE = 2.0
"""Seconds in which an executor should end once all that it waits for has failed."""


@dataclass(frozen=True, slots=True)
class _Video:
    report: VideoReport


@dataclass(frozen=True, slots=True)
class _Job(Generic[Result]):
    done: Done[Result]


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


_News = _Video | _Job[Result] | _End


def do_jobs(
    jobs: Sequence[ShardJob],
    executor: Executor,
    *,
    work: Work[Any],
    after: Callable[[ShardJob, Any], Result] = as_it_is,
    timeout: float,
    in_process: bool = False,
    on_video: Callable[[VideoReport], None],
) -> Generator[Done[Result], None, None]:
    """Have jobs done by an executor.

    The executor runs in a thread of its own. However this generator is left, be it by an error,
    Ctrl-C or SIGTERM, all workers are ended first, which ends what the executor waits for.

    Args:
        jobs: The jobs to do.
        executor: The executor that distributes them.
        work: The function that a worker calls for each job; it must be defined at the top level of
            a module, so that it can be pickled.
        after: What is done with each job's result where the executor has the job done; see
            `isolated_work.IsolatedWork`.
        timeout: The number of seconds that one video may take.
        in_process: Whether jobs are done in this process, where nothing guards against videos.
        on_video: Called in the caller's thread with the report of every video as it comes.

    Yields:
        What came of each job, as soon as it is done.

    Raises:
        LrcnError: A worker failed for a reason that is no video's (disk full, for example).
    """
    news: SimpleQueue[_News[Result]] = SimpleQueue()

    def heard(report: VideoReport) -> None:
        news.put(_Video(report))

    do: IsolatedWork[Any] | InProcessWork[Any] = (
        InProcessWork(work=work, after=after, on_video=heard)
        if in_process
        else IsolatedWork(work=work, timeout=timeout, after=after, on_video=heard)
    )
    # a daemon, so that no executor can keep a run from ending
    thread = threading.Thread(target=_run, args=(executor, jobs, do, news), daemon=True)
    try:
        with closing(do):
            thread.start()
            yield from _listen(news, on_video)
    finally:
        if isinstance(executor, Stoppable):
            executor.stop()
        if thread.ident is not None:
            thread.join(_PATIENCE)


def _run(
    executor: Executor,
    jobs: Sequence[ShardJob],
    do: IsolatedWork[Any] | InProcessWork[Any],
    news: SimpleQueue[_News[Result]],
) -> None:
    try:
        for done in executor.run(jobs, do):
            if not done.told:
                for report in done.reports:
                    news.put(_Video(report))
            news.put(_Job(done))
    except BaseException as error:
        news.put(_End(error))
    else:
        news.put(_End(None))


def _listen(
    news: SimpleQueue[_News[Result]], on_video: Callable[[VideoReport], None]
) -> Iterator[Done[Result]]:
    while True:
        try:
            one = news.get(timeout=_LOOK)
        except Empty:
            continue
        if isinstance(one, _Video):
            on_video(one.report)
        elif isinstance(one, _Job):
            yield one.done
        elif one.error is not None:
            raise one.error
        else:
            return
