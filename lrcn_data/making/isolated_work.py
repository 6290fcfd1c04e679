"""Keeps worker processes busy with videos, and survives every one of them.

A worker that dies, or hangs on a video, costs that video and nothing else: the pool knows which
one it was at, starts another worker, and has the shard written again without it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lrcn_data.errors import LrcnError, VideoError
from lrcn_data.machine import die_with_parent, limit_memory
from lrcn_data.quiet_start import let_signals_through, signals_held_back
from lrcn_data.reasons import Reason

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport

Result = TypeVar("Result")
Work = Callable[["ShardJob", Callable[[int], None], Callable[["VideoReport"], None]], Result]
"""What a worker does with a job. It calls the first function with each video's place in the shard
before it touches the video, the second one with its report."""

_TRIES = 2
"""How often a video may end its worker; the first time may be the machine's fault, not its own."""

_GRACE = 1.0
"""Seconds beyond its limit after which a worker is ended from outside."""

_LOOK = 1.0
"""Seconds between two looks at workers that are at a video."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection[Any, Any]
    job: ShardJob | None = None
    place: int | None = None
    since: float = 0.0
    stopped: str | None = None


@dataclass(slots=True)
class WorkerPool(Generic[Result]):
    """Worker processes that read the videos of shards.

    Attributes:
        work: What they do with a job; a module's function.
        workers: How many at a time.
        timeout: Seconds that a video may take.
        on_video: Called with every video's report as it comes. A job that has to be done again
            reports its videos again.
    """

    work: Work[Result]
    workers: int
    timeout: float
    on_video: Callable[[VideoReport], None]
    _running: list[_Worker] = field(default_factory=list)
    _faults: dict[tuple[str, int], int] = field(default_factory=dict)
    _looked: float = 0.0

    def run(self, jobs: Iterable[ShardJob]) -> Iterator[Result]:
        """Have the jobs done, and yield what comes of them as it does.

        Raises:
            LrcnError: A worker failed for a reason that is no video's (disk full, for example).
        """
        waiting = deque(jobs)
        try:
            while waiting or any(worker.job for worker in self._running):
                busy = sum(worker.job is not None for worker in self._running)
                while len(self._running) < min(self.workers, busy + len(waiting)):
                    self._running.append(_start_worker(self.work))
                for worker in self._running:
                    if worker.job is None and waiting:
                        self._give(worker, waiting.popleft())
                yield from self._step(waiting)
        finally:
            self.stop()

    def stop(self) -> None:
        """End all workers at once."""
        for worker in self._running:
            worker.process.kill()
        for worker in self._running:
            worker.process.join()
            worker.pipe.close()
        self._running.clear()

    def _give(self, worker: _Worker, job: ShardJob) -> None:
        worker.job, worker.place, worker.since = job, None, time.monotonic()
        # a worker that has just died is noticed by its sentinel
        with suppress(OSError):
            worker.pipe.send(job)

    def _step(self, waiting: deque[ShardJob]) -> Iterator[Result]:
        """Wait for news of any worker, or for a limit, and act on it."""
        by_handle: dict[Any, _Worker] = {}
        for worker in self._running:
            by_handle[worker.pipe] = worker
            by_handle[worker.process.sentinel] = worker
        ready = {
            id(by_handle[handle]): by_handle[handle] for handle in wait(by_handle, self._next())
        }
        self._forgive_pause()
        for worker in ready.values():
            yield from self._listen(worker, waiting)
        for worker in self._running:
            if worker.place is not None and self._overdue(worker) and worker.stopped is None:
                worker.stopped = f"decoding took longer than {self.timeout:g} s"
                worker.process.kill()

    def _next(self) -> float | None:
        """Seconds until the next look; None where no worker is at a video."""
        busy = [worker.since for worker in self._running if worker.place is not None]
        if not busy:
            return None
        left = min(busy) + self.timeout + _GRACE - time.monotonic()
        return min(max(0.0, left), _LOOK)

    def _forgive_pause(self) -> None:
        """Take from the videos' time that in which this process was stopped, as by Ctrl-Z."""
        now = time.monotonic()
        pause = now - self._looked - _LOOK
        self._looked = now
        if pause > _GRACE:
            for worker in self._running:
                worker.since += pause

    def _overdue(self, worker: _Worker) -> bool:
        return time.monotonic() >= worker.since + self.timeout + _GRACE

    def _listen(self, worker: _Worker, waiting: deque[ShardJob]) -> Iterator[Result]:
        try:
            while worker.pipe.poll():
                kind, value = worker.pipe.recv()
                if kind == "started":
                    worker.place, worker.since = value, time.monotonic()
                elif kind == "ended":
                    worker.place = None
                    self.on_video(value)
                elif kind == "done":
                    worker.job = worker.place = None
                    yield value
                else:
                    raise value
        except (EOFError, ConnectionResetError):
            self._bury(worker, waiting)

    def _bury(self, worker: _Worker, waiting: deque[ShardJob]) -> None:
        """Put a dead worker's job back without the video that ended it."""
        worker.process.join()
        worker.pipe.close()
        self._running.remove(worker)
        if worker.job is not None:
            waiting.appendleft(self._without_culprit(worker, worker.job))

    def _without_culprit(self, worker: _Worker, job: ShardJob) -> ShardJob:
        # -1 stands for a death between videos
        place = -1 if worker.place is None else worker.place
        fault = (job.shard.name, place)
        self._faults[fault] = self._faults.get(fault, 0) + 1
        how = _death(worker.process.exitcode)
        if place < 0:
            if self._faults[fault] > _TRIES:
                raise LrcnError(f"{job.shard.name}: its worker died {_TRIES + 1} times ({how})")
            return job
        if worker.stopped:
            error = VideoError(Reason.TIMEOUT, worker.stopped)
        elif self._faults[fault] < _TRIES:
            return job
        else:
            error = VideoError(
                Reason.CRASHED, f"the decoder's process ended {_TRIES} times with {how}"
            )
        return replace(job, quarantine={**job.quarantine, place: error})


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"


def _start_worker(work: Work[Any]) -> _Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lrcn_data.making.worker_preload"])
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    with signals_held_back():
        process.start()
    theirs.close()
    return _Worker(process=process, pipe=ours)


def _serve(pipe: Connection[Any, Any], work: Work[Any]) -> None:
    """A worker's life: take a job, do it, say what came of it."""
    die_with_parent()
    limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    let_signals_through()
    from lrcn_data.storage.atomic_file import write_failure

    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        try:
            result = work(
                job,
                lambda place: pipe.send(("started", place)),
                lambda report: pipe.send(("ended", report)),
            )
            pipe.send(("done", result))
        except LrcnError as error:
            pipe.send(("error", error))
        except OSError as error:
            pipe.send(("error", write_failure(job.shard.name, error)))
        except Exception:
            text = traceback.format_exc()
            pipe.send(("error", LrcnError(f"{job.shard.name}: the worker failed:\n{text}")))
