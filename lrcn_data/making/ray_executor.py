"""Has jobs done on the machines of a Ray cluster, each as a task of its own."""

from __future__ import annotations

import os
import pickle
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.plugins import find_in_current_folder

Job = TypeVar("Job")
Result = TypeVar("Result")

_AUTO = "auto"
"""What Ray calls the cluster that RAY_ADDRESS names, or else this machine's."""

_TRIES = 20
"""How many processes or machines may die of a job before the run ends; spot machines come and go,
and what a video does to its decoder kills none of them."""

_AHEAD = 2
"""How many tasks there are at a time for each core of the cluster: those that wait have a cluster
that grows by itself add machines."""


@dataclass(slots=True)
class RayExecutor:
    """Gives jobs to the cluster that the environment names, or that runs on this machine.

    Every machine needs the same lrcn, and the videos and the data set's folder at the same paths.
    A job whose process or machine dies is done again on another one. The cluster ends what is being
    done when this process ends, however it does.

    Attributes:
        workers: The number of jobs that are given to the cluster at a time; None for twice as many
            as it has cores.
        address: The cluster's address, as ray.init takes it.

    Raises:
        UsageError: Ray isn't installed.
    """

    workers: int | None
    address: str = _AUTO
    _ray: Any = field(init=False)
    _running: set[Any] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        try:
            self._ray = import_module("ray")
        except ImportError as error:
            raise UsageError(
                f"--executor ray: ray can't be imported ({error}); install it on all machines with"
                " pip install 'lrcn[ray]'"
            ) from error

    def run(self, jobs: Sequence[Job], do: Callable[[Job], Result]) -> Iterator[Result]:
        """Have all jobs done; see `executor.Executor.run`."""
        if not jobs:
            return
        ray = self._ray
        is_mine = not ray.is_initialized()
        if is_mine:
            self._connect()
        try:
            task = ray.remote(num_cpus=1, max_retries=_TRIES - 1)(_do)
            waiting, folder, pickled = deque(jobs), Path.cwd(), pickle.dumps(do)
            while waiting or self._running:
                most = self.workers or max(1, _AHEAD * int(ray.cluster_resources().get("CPU", 0)))
                while waiting and len(self._running) < most:
                    job = waiting.popleft()
                    self._running.add(task.remote(folder, pickled, pickle.dumps(job)))
                (ended,), _ = ray.wait([*self._running], num_returns=1)
                self._running.remove(ended)
                yield self._result(ended)
        finally:
            self.stop()
            if is_mine:
                ray.shutdown()

    def stop(self) -> None:
        """End what is being done, as `executor.Stoppable.stop` has it."""
        running, self._running = self._running, set()
        for task in running:
            self._ray.cancel(task, force=True)

    def _connect(self) -> None:
        ray, is_auto = self._ray, self.address == _AUTO
        try:
            _refuse_silence(os.environ.get("RAY_ADDRESS", "") if is_auto else self.address)
            ray.init(address=self.address, log_to_driver=False, logging_level="error")
        except (OSError, RuntimeError, ValueError) as error:
            first = str(error).strip().partition("\n")[0]
            where = "" if is_auto else f" at {self.address}"
            raise LrcnError(
                f"--executor ray: no Ray cluster can be reached{where} ({first}); start one with"
                " `ray start --head`, or name another as ray:ADDRESS"
            ) from error

    def _result(self, ended: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(ended)
        except errors.RayTaskError as error:
            if isinstance(error.cause, LrcnError):
                raise error.cause from None
            raise LrcnError(
                f"--executor ray: a machine of the cluster can't do its job ({error.cause!r}); it"
                " needs the same lrcn, videos and folders as this one"
            ) from error
        except errors.RayError as error:
            first = str(error).strip().partition("\n")[0]
            raise LrcnError(
                f"--executor ray: {_TRIES} processes or machines have died of a job"
                f" ({first}); see to the cluster, then run the same command again, which goes on"
            ) from error


def at(address: str, workers: int | None) -> RayExecutor:
    """Make an executor for the cluster at an address: `--executor ray:ADDRESS`."""
    return RayExecutor(workers, address)


def _refuse_silence(address: str) -> None:
    """Raise an OSError where nobody answers at HOST:PORT, for which Ray waits several minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _do(folder: Path, do: bytes, job: bytes) -> Any:
    """Do a job in a process of Ray's, with paths as they are meant where the run was started."""
    os.chdir(folder)
    find_in_current_folder()  # before plug-ins in the job are imported
    try:
        return _unpickled(do)(pickle.loads(job))
    except BaseException:
        _unpickled.cache_clear()  # what has failed does nothing more
        raise


@lru_cache(maxsize=1)
def _unpickled(do: bytes) -> Callable[[Any], Any]:
    """The function that does a job, which keeps its workers from one task of Ray's to the next."""
    made: Callable[[Any], Any] = pickle.loads(do)
    return made
