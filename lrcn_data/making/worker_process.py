"""A process in which jobs are done, one after the other, and the messages that it sends meanwhile.

What the end of such a process means for a job is decided by `isolated_work`.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lrcn_data.errors import LrcnError
from lrcn_data.machine import die_with_parent, limit_memory
from lrcn_data.quiet_start import let_signals_through, signals_held_back
from lrcn_data.storage.atomic_file import write_failure

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport

Result = TypeVar("Result")
Work = Callable[["ShardJob", Callable[[int], None], Callable[["VideoReport"], None]], Result]
"""What a worker does with a job. It calls the first function before it touches a video, with the
video's position in the shard, and the second one with the video's report when the video is done."""

_ONE_AT_A_TIME = threading.Lock()
"""Held while a process is started or its end is awaited. Whoever starts a process also asks all
others how they ended, and of two threads that ask the same one only the first is told."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker begins with the video at a position in the shard, counted from 0."""

    position: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker has ended with a video."""

    report: VideoReport


@dataclass(frozen=True, slots=True)
class Finished(Generic[Result]):
    """The worker has done its job, and waits for the next one."""

    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker gave up its job, for which no video is to blame, and waits for the next one."""

    error: LrcnError


Message = Started | Ended | Finished[Result] | Failed


class WorkerProcess(Generic[Result]):
    """A worker process, which is started as soon as this is made.

    Args:
        work: The function that the worker calls for each job; it must be defined at the top level
            of a module, so that it can be pickled.
    """

    def __init__(self, work: Work[Result]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lrcn_data.making.worker_preload"])
        ours, theirs = context.Pipe()
        told, tells = context.Pipe(duplex=False)
        self._pipe: Connection[Any, Any] = ours
        self._told: Connection[Any, Any] = told
        # asked for every message; what Connection.poll does takes 15 µs
        self._more_told = select.poll()
        self._more_told.register(told, select.POLLIN)
        self._process = context.Process(target=_serve, args=(theirs, tells, work), daemon=True)
        with _ONE_AT_A_TIME, signals_held_back(), _main_left_out():
            self._process.start()
        theirs.close()
        tells.close()

    def give(self, job: ShardJob) -> None:
        """Hand over a job; if the worker has just died, `messages` will tell."""
        with suppress(OSError):
            self._pipe.send(job)

    def wait(self, seconds: float | None) -> None:
        """Wait until the worker has given up or done its job or died, or until the time is over.

        What it says of videos meanwhile is left for `messages`: to be woken by each message took
        0.2 ms a video.

        Args:
            seconds: The longest time to wait; None to wait without a limit.
        """
        wait([self._pipe, self._process.sentinel], seconds)

    def messages(self) -> Iterator[Message[Result]]:
        """Give the messages that the worker has sent since the last call, in their order.

        Raises:
            EOFError: The worker is dead, and all of its messages have been handed out.
            ConnectionResetError: The worker is dead, and all of its messages have been handed out.
        """
        # asked first: whatever was said of videos before the job's end is there then
        ended = self._pipe.poll()
        with suppress(EOFError):
            while self._more_told.poll(0):
                yield self._told.recv()
        if ended:
            yield self._pipe.recv()

    @property
    def alive(self) -> bool:
        """Whether the process is running, so that it can take a job."""
        return not wait([self._process.sentinel], 0)

    def kill(self) -> None:
        """Kill the process; `join` waits until it has ended."""
        self._process.kill()

    def join(self) -> None:
        """Wait until the process, which must be ending, has ended."""
        with _ONE_AT_A_TIME:
            self._process.join()

    def bury(self) -> str:
        """Wait until the process, which must be ending, has ended; the last call of all.

        Returns:
            The name of the signal that ended the process, or its exit code, as text.
        """
        self.join()
        self._pipe.close()
        self._told.close()
        code = self._process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


@contextmanager
def _main_left_out() -> Iterator[None]:
    """Keep a process that is started meanwhile from running the program's main module once more.

    Nothing that a worker is given is defined there. So whoever calls this package needs no
    `if __name__ == "__main__"` and may be read from stdin, and no worker imports a command line,
    which takes 30 ms.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(pipe: Connection[Any, Any], tells: Connection[Any, Any], work: Work[Any]) -> None:
    """Run a worker: take a job, do it, report what came of it, and so on.

    Args:
        pipe: Gives jobs, and takes what comes of each.
        tells: Takes what is to be said of the videos meanwhile.
        work: The function that does a job.
    """
    die_with_parent()
    limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    let_signals_through()
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        except Exception as error:
            # a plug-in in the job that can't be imported here, for example
            pipe.send(Failed(LrcnError(f"a worker can't read its job: {error!r}")))
            continue
        pipe.send(_outcome(tells, work, job))


def _outcome(
    tells: Connection[Any, Any], work: Work[Result], job: ShardJob
) -> Finished[Result] | Failed:
    try:
        return Finished(
            work(
                job,
                lambda position: tells.send(Started(position)),
                lambda report: tells.send(Ended(report)),
            )
        )
    except LrcnError as error:
        return Failed(error)
    except OSError as error:
        return Failed(write_failure(job.shard.name, error))
    except Exception:
        text = traceback.format_exc()
        return Failed(LrcnError(f"{job.shard.name}: the worker failed:\n{text}"))
