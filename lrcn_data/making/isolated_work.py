"""Does a job in a worker process, so that no video can harm anything, and survives that process.

A worker that dies, or hangs on a video, costs that video and nothing else: which one it was at is
known, another worker is started, and has the shard written again without it. All of that happens
within a job, so it is the same whoever decides when and where jobs are done (see `executor`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.making.video_clock import VideoClock
from lrcn_data.making.worker_process import Ended, Finished, Result, Started, Work, WorkerProcess
from lrcn_data.reasons import Reason

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport

_LOOK = 0.1
"""Seconds between two looks at what a worker has said of its videos."""

_TRIES = 2
"""How many workers a video may end before it is given up. The first time may be the machine's
fault rather than the video's."""


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """A job that has been done.

    Attributes:
        result: What the work function returned for the job.
        reports: The reports of all videos that were read for the job. A video that was read again
            after a worker's death has several.
        told: Whether these have been told, one by one, to who waits for the job; a copy of `do` in
            another process can't.
    """

    result: Result
    reports: list[VideoReport]
    told: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Death:
    """The end of a worker in the middle of a job.

    Attributes:
        position: The position in the shard of the video that the worker was reading, counted from
            0; None between two videos.
        how: The signal that ended the worker, or its exit code, as text.
        overdue: Whether the worker was killed because its video took too long.
    """

    position: int | None
    how: str
    overdue: bool


class _WorkerDiedError(Exception):
    def __init__(self, death: Death) -> None:
        super().__init__(death)
        self.death = death


After = Callable[["ShardJob", Any], Any]
"""What is done with the result of a job in the process that had it done; what it returns is the
job's result from then on."""


def as_it_is(job: ShardJob, result: Any) -> Any:
    """Leave the result of a job as it is; the default of what is done with it."""
    return result


def tell_nobody(report: VideoReport) -> None:
    """Ignore a video's report; the default where no `on_video` is given."""


@dataclass(slots=True, eq=False)
class IsolatedWork(Generic[Result]):
    """Does jobs in worker processes: a callable that takes a job and returns when it is done.

    It may be called from several threads, each of which then has a job done at the same time.
    Workers are started when they are needed and used again for later jobs; `close` ends them. It
    can be pickled: the copy has workers of its own, which end when it is no longer used, and its
    videos' reports are only in what it returns.

    Attributes:
        work: The function that a worker calls for each job; it must be defined at the top level of
            a module, so that it can be pickled.
        timeout: The number of seconds that one video may take.
        after: Called, in the process and thread that waits for the job, with the job and what the
            worker has returned; it must be defined at the top level of a module too. A worker
            writes temporary files, for example, and this gives them their places.
        on_video: Called with every video's report soon after it comes, in the thread that waits
            for the job. A job that has to be done again reports its videos again.
    """

    work: Work[Result]
    timeout: float
    after: After = as_it_is
    on_video: Callable[[VideoReport], None] = tell_nobody
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: list[WorkerProcess[Result]] = field(default_factory=list)
    _busy: list[WorkerProcess[Result]] = field(default_factory=list)
    _over: BaseException | None = None

    def __call__(self, job: ShardJob) -> Done[Any]:
        """Do a job; where a video ends its worker, do the job again without that video.

        Raises:
            LrcnError: A worker failed for a reason that no video is to blame for (a full disk, for
                example), or this has been closed. What one job raises is raised by all other jobs
                too, which end at once.
        """
        try:
            return self._do(job)
        except BaseException as error:
            self._end_all(error)
            raise

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how a copy is made when this is pickled: without the processes and locks."""
        copy = partial(IsolatedWork, work=self.work, timeout=self.timeout, after=self.after)
        return copy, ()

    def close(self) -> None:
        """End all workers at once; calls that still wait for a job raise an error."""
        self._end_all(LrcnError("the run has been ended"))

    def __del__(self) -> None:
        """End the workers of a copy that another process is done with."""
        self.close()

    def _do(self, job: ShardJob) -> Done[Any]:
        reports: list[VideoReport] = []
        deaths: Counter[int | None] = Counter()
        while True:
            try:
                result = self.after(job, self._try(job, reports))
                return Done(result, reports, told=self.on_video is not tell_nobody)
            except _WorkerDiedError as error:
                death = error.death
                deaths[death.position] += 1
                job = job_after(death, deaths[death.position], job, self.timeout)

    def _try(self, job: ShardJob, reports: list[VideoReport]) -> Result:
        def heard(report: VideoReport) -> None:
            reports.append(report)
            self.on_video(report)

        worker = self._take()
        try:
            result = _supervise(worker, job, self.timeout, heard)
        except _WorkerDiedError:
            self._drop(worker)
            raise
        except BaseException:
            worker.kill()
            worker.bury()
            self._drop(worker)
            raise
        self._give_back(worker)
        return result

    def _take(self) -> WorkerProcess[Result]:
        """Take a worker that waits for a job, or start one if there is none."""
        with self._lock:
            self._refuse_when_over()
            while self._idle and not self._idle[-1].alive:
                self._idle.pop().bury()
            worker = self._idle.pop() if self._idle else WorkerProcess(self.work)
            self._busy.append(worker)
            return worker

    def _give_back(self, worker: WorkerProcess[Result]) -> None:
        with self._lock:
            self._busy.remove(worker)
            self._idle.append(worker)

    def _drop(self, worker: WorkerProcess[Result]) -> None:
        """Forget a dead worker; if it was killed because everything ends, raise the reason."""
        with self._lock:
            self._busy.remove(worker)
            self._refuse_when_over()

    def _refuse_when_over(self) -> None:
        if self._over is not None:
            raise self._over

    def _end_all(self, why: BaseException) -> None:
        with self._lock:
            self._over = self._over or why
            for worker in (*self._busy, *self._idle):
                worker.kill()
            for worker in self._busy:
                worker.join()  # its own thread buries it
            while self._idle:
                self._idle.pop().bury()


def _supervise(
    worker: WorkerProcess[Result],
    job: ShardJob,
    timeout: float,
    heard: Callable[[VideoReport], None],
) -> Result:
    """Have a worker do a job, and kill the worker if a video takes too long.

    Raises:
        _WorkerDiedError: The worker died; its end has been awaited and its pipe closed.
        LrcnError: The worker failed for a reason that no video is to blame for.
    """
    clock = VideoClock(limit=timeout, looked=time.monotonic())
    overdue = False
    worker.give(job)
    try:
        while True:
            # one that has been killed is waited for, not looked at again and again
            worker.wait(None if overdue else _LOOK)
            clock.look(time.monotonic())
            for message in worker.messages():
                if isinstance(message, Started):
                    clock.begin(message.position, time.monotonic())
                elif isinstance(message, Ended):
                    clock.end()
                    heard(message.report)
                elif isinstance(message, Finished):
                    return message.result
                else:
                    raise message.error
            if clock.overdue(time.monotonic()) and not overdue:
                overdue = True
                worker.kill()
    except (EOFError, ConnectionResetError):
        death = Death(position=clock.position, how=worker.bury(), overdue=overdue)
        raise _WorkerDiedError(death) from None


def job_after(death: Death, deaths: int, job: ShardJob, timeout: float) -> ShardJob:
    """Decide what to do after a worker's death: the same job again, or the job without a video.

    Args:
        death: How the worker ended.
        deaths: The number of workers that have ended at the same position in the job, this one
            included.
        job: The job that the worker was doing.
        timeout: The number of seconds that one video may take.

    Returns:
        The job to do next; where a video is given up, with that video in its quarantine.

    Raises:
        LrcnError: Workers keep dying between videos, where no video can be blamed.
    """
    if death.position is None:
        if deaths > _TRIES:
            raise LrcnError(f"{job.shard.name}: its worker died {deaths} times ({death.how})")
        return job
    if death.overdue:
        error = VideoError(Reason.TIMEOUT, f"decoding took longer than {timeout:g} s")
    elif deaths < _TRIES:
        return job
    else:
        error = VideoError(
            Reason.CRASHED, f"the decoder's process ended {_TRIES} times with {death.how}"
        )
    return replace(job, quarantine={**job.quarantine, death.position: error})
