"""A process in which jobs are done, one after the other, and what it says while it is at one.

What its end means for a job is decided by `isolated_work`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lrcn_data.errors import LrcnError
from lrcn_data.machine import die_with_parent, limit_memory
from lrcn_data.quiet_start import let_signals_through, signals_held_back
from lrcn_data.storage.atomic_file import write_failure

if TYPE_CHECKING:
    from lrcn_data.making.shard_job import ShardJob, VideoReport

Result = TypeVar("Result")
Work = Callable[["ShardJob", Callable[[int], None], Callable[["VideoReport"], None]], Result]
"""What a worker does with a job. It calls the first function with each video's place in the shard
before it touches the video, the second one with its report."""

_ONE_AT_A_TIME = threading.Lock()
"""Held while a process is started or its end is awaited. Whoever starts a process also asks all
others how they ended, and of two threads that ask the same one only the first is told."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker begins with the video at a place of the shard."""

    place: int


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
    """The worker gave its job up for a reason that is no video's, and waits for the next one."""

    error: LrcnError


Message = Started | Ended | Finished[Result] | Failed


class WorkerProcess(Generic[Result]):
    """A worker process, started at once.

    Args:
        work: What it does with a job; a module's function.
    """

    def __init__(self, work: Work[Result]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lrcn_data.making.worker_preload"])
        ours, theirs = context.Pipe()
        self._pipe: Connection[Any, Any] = ours
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with _ONE_AT_A_TIME, signals_held_back():
            self._process.start()
        theirs.close()

    def give(self, job: ShardJob) -> None:
        """Hand over a job; a worker that has just died shows it by its messages."""
        with suppress(OSError):
            self._pipe.send(job)

    def wait(self, seconds: float | None) -> None:
        """Wait until it has said something or died, or until the seconds are over."""
        wait([self._pipe, self._process.sentinel], seconds)

    def messages(self) -> Iterator[Message[Result]]:
        """What it has said since.

        Raises:
            EOFError: It is dead, and all that it said has been handed out.
            ConnectionResetError: The same.
        """
        while self._pipe.poll():
            yield self._pipe.recv()

    @property
    def alive(self) -> bool:
        """Whether it can take a job."""
        return not wait([self._process.sentinel], 0)

    def kill(self) -> None:
        """Have it end at once; `join` waits until it has."""
        self._process.kill()

    def join(self) -> None:
        """Wait for the end of a process that ends."""
        with _ONE_AT_A_TIME:
            self._process.join()

    def bury(self) -> str:
        """Wait for the end of a process that ends, and say how it ended; the last call of all."""
        self.join()
        self._pipe.close()
        code = self._process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _serve(pipe: Connection[Any, Any], work: Work[Any]) -> None:
    """A worker's life: take a job, do it, say what came of it."""
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
        pipe.send(_outcome(pipe, work, job))


def _outcome(
    pipe: Connection[Any, Any], work: Work[Result], job: ShardJob
) -> Finished[Result] | Failed:
    try:
        return Finished(
            work(
                job,
                lambda place: pipe.send(Started(place)),
                lambda report: pipe.send(Ended(report)),
            )
        )
    except LrcnError as error:
        return Failed(error)
    except OSError as error:
        return Failed(write_failure(job.shard.name, error))
    except Exception:
        text = traceback.format_exc()
        return Failed(LrcnError(f"{job.shard.name}: the worker failed:\n{text}"))
