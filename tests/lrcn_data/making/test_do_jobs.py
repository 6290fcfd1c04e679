"""Whatever an executor does, its jobs are done, and a run that is left ends soon."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psutil
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.making.do_jobs import do_jobs
from lrcn_data.making.executor import Executor
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.making.shard_job import ShardJob, VideoReport
from tests.lrcn_data.making.empty_job import empty_job

pytestmark = pytest.mark.timeout(60)


class Patient:
    """Waits for all of its jobs before it looks at any, and so for all others where one fails."""

    def run(self, jobs: Sequence[Any], do: Callable[[Any], Any]) -> Iterator[Any]:
        with ThreadPoolExecutor(2) as threads:
            futures = [threads.submit(do, job) for job in jobs]
        for future in futures:
            yield future.result()


class OneByOne:
    """Does its jobs itself, the last one first."""

    def run(self, jobs: Sequence[Any], do: Callable[[Any], Any]) -> Iterator[Any]:
        for job in reversed(jobs):
            yield do(job)


class Elsewhere:
    """Does its jobs as another process would, with what was pickled."""

    def run(self, jobs: Sequence[Any], do: Callable[[Any], Any]) -> Iterator[Any]:
        for job in jobs:
            yield pickle.loads(pickle.dumps(do))(job)


class Broken:
    """Fails by itself."""

    def run(self, jobs: Sequence[Any], do: Callable[[Any], Any]) -> Iterator[Any]:
        yield do(jobs[0])
        raise RuntimeError("a fault of the executor's own")


LOCAL = EXECUTORS.load("local")(2)
ALL = pytest.mark.parametrize("executor", [LOCAL, Patient(), OneByOne()])


def do_as_named(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[VideoReport], None]
) -> str:
    if job.shard.name == "fails":
        raise OSError(28, "No space left on device")
    if job.shard.name == "waits":
        time.sleep(600)
    for position in range(3):
        started(position)
        ended(VideoReport(clips=position))
    return job.shard.name


def do(
    executor: Executor, *names: str, on_video: Callable[[Any], None] = id
) -> Generator[Any, None, None]:
    return do_jobs(
        [empty_job(name) for name in names],
        executor,
        work=do_as_named,
        timeout=30,
        on_video=on_video,
    )


def children() -> list[psutil.Process]:
    """Workers: the children of the server that forks them."""
    # other tests may have left a cluster of Ray's running
    servers = [
        child
        for child in psutil.Process().children()
        if "from multiprocessing.forkserver" in " ".join(child.cmdline())
    ]
    return [
        worker
        for server in servers
        for worker in server.children(recursive=True)
        if worker.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("executor", [LOCAL, Patient(), OneByOne(), Elsewhere()])
def test_every_job_is_done_and_every_video_reported_in_the_callers_thread(
    executor: Executor,
) -> None:
    heard: list[tuple[int, int]] = []

    def on_video(report: VideoReport) -> None:
        heard.append((report.clips, threading.get_ident()))

    names = [str(number) for number in range(5)]
    found = list(do(executor, *names, on_video=on_video))
    assert sorted(done.result for done in found) == names
    assert [[report.clips for report in done.reports] for done in found] == [[0, 1, 2]] * 5
    assert sorted(heard) == sorted((clips, threading.get_ident()) for clips in [0, 1, 2] * 5)
    assert not children()


@ALL
def test_no_job_is_no_error(executor: Executor) -> None:
    assert list(do(executor)) == []


@ALL
def test_an_error_that_is_no_videos_ends_the_others_at_once(executor: Executor) -> None:
    names = ["fails", "waits", "waits", "waits"]
    if isinstance(executor, OneByOne):
        names = ["waits", "fails"]
    began = time.monotonic()
    with pytest.raises(LrcnError, match="fails can't be written: No space left on device"):
        list(do(executor, *names))
    assert time.monotonic() - began < 10
    assert not children()


@ALL
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_an_executor_waits_for(
    executor: Executor, number: signal.Signals
) -> None:
    def interrupt() -> None:
        while not children():
            time.sleep(0.05)
        time.sleep(0.2)
        sent.append(time.monotonic())
        os.kill(os.getpid(), number)

    sent: list[float] = []
    before = signal.signal(number, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            list(do(executor, "waits", "waits", "waits"))
    finally:
        signal.signal(number, before)
    assert time.monotonic() - sent[0] < 5
    assert not children()


class Stopped(OneByOne):
    """Notes that it was stopped."""

    def __init__(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


def test_an_executor_that_can_be_stopped_is_when_the_run_ends() -> None:
    executor = Stopped()
    list(do(executor, "a", "b"))
    assert executor.stops == 1
    with pytest.raises(LrcnError):
        list(do(executor, "fails"))
    assert executor.stops == 2


def test_what_is_left_before_its_end_leaves_no_worker() -> None:
    with closing(do(LOCAL, "0", "waits")) as found:
        assert next(found).result == "0"
        assert children()
    assert not children()


def test_an_error_of_an_executor_is_the_runs() -> None:
    with pytest.raises(RuntimeError, match="a fault of the executor's own"):
        list(do(Broken(), "0", "1"))
    assert not children()


def test_an_error_of_who_is_told_of_videos_is_the_runs() -> None:
    def fail(report: VideoReport) -> None:
        raise BrokenPipeError("nobody reads the progress")

    with pytest.raises(BrokenPipeError):
        list(do(LOCAL, "0", "waits", on_video=fail))
    assert not children()
