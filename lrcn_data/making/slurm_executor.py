"""Has jobs done by an array of Slurm jobs, which submitit submits.

Each of them does a share of the jobs one after the other and puts what comes of each into a folder
that all machines see. So what has been done stays done when Slurm requeues it, and nothing need be
asked of Slurm but what is still in its queue.
"""

from __future__ import annotations

import pickle
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage.atomic_file import write_atomically

Job = TypeVar("Job")
Result = TypeVar("Result")

_JOBS_A_SHARE = 8
"""How many jobs a share has where the number of shares isn't given: starting Python on a node takes
about a second, and a shard many."""

_MOST_SHARES = 1000
"""How many there are at most then; Slurm refuses larger arrays unless it is told otherwise
(MaxArraySize)."""

_TRIES = 5
"""How many times a share may end without having done a job before the run ends."""

_MINUTES = 240
"""The time limit of a Slurm job, unless SBATCH_TIMELIMIT says another. One that reaches it is
requeued, and goes on with its next job."""

_LOOK, _ASK = 0.5, 5.0
"""Seconds between two looks for results, and between two times that Slurm is asked."""

_PATIENCE = 15.0
"""Seconds in which Slurm jobs should end that have nothing left to do."""


@dataclass(slots=True)
class SlurmExecutor:
    """Submits as many one-core Slurm jobs as there are to be workers.

    What sbatch is to know beside that, such as a partition or an account, is in the variables of
    the environment that it reads (SBATCH_PARTITION, SBATCH_ACCOUNT and so on).

    Attributes:
        workers: The number of Slurm jobs; None for one for every few jobs.

    Raises:
        UsageError: submitit isn't installed, or Slurm isn't.
    """

    workers: int | None
    _submitit: Any = field(init=False)
    _shares: dict[str, _Share[Any, Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self._submitit = import_module("submitit")
        except ImportError as error:
            raise UsageError(
                f"--executor slurm: submitit can't be imported ({error}); install it with"
                " pip install 'lrcn[slurm]'"
            ) from error
        if not shutil.which("sbatch"):
            raise UsageError(
                "--executor slurm: there is no sbatch on the PATH; run this where jobs are"
                " submitted to Slurm"
            )

    def run(self, jobs: Sequence[Job], do: Callable[[Job], Result]) -> Iterator[Result]:
        """Have all jobs done; see `executor.Executor.run`.

        The folder `lrcn-slurm-...` that is made in the current one is removed when all are done,
        and has the logs of the Slurm jobs where they aren't.
        """
        if not jobs:
            return
        folder = Path(tempfile.mkdtemp(prefix="lrcn-slurm-", dir=Path.cwd()))
        results = folder / "results"
        results.mkdir()
        count = min(len(jobs), self.workers or min(_MOST_SHARES, -(-len(jobs) // _JOBS_A_SHARE)))
        numbered = list(enumerate(jobs))
        self._submit([_Share(dict(numbered[n::count]), do, results) for n in range(count)], folder)
        left, asked = set(range(len(jobs))), time.monotonic()
        while left:
            if time.monotonic() - asked > _ASK:
                # asked before looking: what has left the queue has put all of its results
                queued = _queued()
                found = _put(results)
                lost = {} if queued is None else self._lost(queued, found)
                asked = time.monotonic()
            else:
                time.sleep(_LOOK)
                found, lost = _put(results), {}
            for number in sorted(found & left):
                left.remove(number)
                yield _result(results / str(number))
            if lost:
                self._submit(_again(lost, found, folder), folder)
        self._wait_for_the_end()
        shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End what is being done, as `executor.Stoppable.stop` has it."""
        if self._shares:
            arrays = {name.partition("_")[0] for name in self._shares}
            self._shares.clear()
            subprocess.run(["scancel", "--quiet", *arrays], check=False, capture_output=True)

    def _wait_for_the_end(self) -> None:
        """Wait until the Slurm jobs have ended, which have done all that they were to do."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and (_queued() or set()) & self._shares.keys():
            time.sleep(_LOOK)
        self._shares.clear()

    def _submit(self, shares: Sequence[_Share[Any, Any]], folder: Path) -> None:
        array = self._submitit.SlurmExecutor(folder / "logs", max_num_timeout=1000)
        array.update_parameters(
            job_name="lrcn-data-shard",
            cpus_per_task=1,
            time=_MINUTES,
            stderr_to_stdout=True,
            array_parallelism=len(shares),
            additional_parameters={"requeue": True},
        )
        try:
            submitted = array.submit_array(shares)
        except self._submitit.core.utils.FailedJobError as error:
            said = str(error).strip().replace("\n", " ")
            raise LrcnError(f"--executor slurm: sbatch refuses the jobs: {said}") from error
        self._shares |= {one.job_id: share for one, share in zip(submitted, shares, strict=True)}

    def _lost(self, queued: set[str], found: set[int]) -> dict[str, _Share[Any, Any]]:
        """Take out the shares whose Slurm jobs have ended, and give those that aren't done."""
        ended = {name: self._shares.pop(name) for name in self._shares.keys() - queued}
        return {name: share for name, share in ended.items() if not share.jobs.keys() <= found}


@dataclass(frozen=True, slots=True)
class _Share(Generic[Job, Result]):
    """What one Slurm job does; where it is requeued, what is left of it.

    Attributes:
        jobs: The jobs by their numbers.
        do: The function that does a job.
        results: The folder into which the result of each job is put, under the job's number.
        tries: How many Slurm jobs have ended since one has done a job.
    """

    jobs: Mapping[int, Job]
    do: Callable[[Job], Result]
    results: Path
    tries: int = 0

    def __call__(self) -> None:
        """Do the jobs that have no result yet, up to one that fails."""
        for number, job in self.jobs.items():
            place = self.results / str(number)
            if not place.exists():
                outcome = _outcome(self.do, job)
                write_atomically(place, pickle.dumps(outcome))
                if isinstance(outcome, LrcnError):
                    return

    def checkpoint(self) -> Any:
        """What submitit has done when it requeues this: the same."""
        return import_module("submitit.helpers").DelayedSubmission(self)


def _outcome(do: Callable[[Job], Result], job: Job) -> Result | LrcnError:
    try:
        return do(job)
    except LrcnError as error:
        return error


def _put(results: Path) -> set[int]:
    """The numbers of the jobs whose results are there."""
    return {int(path.name) for path in results.iterdir() if path.name.isdecimal()}


def _result(path: Path) -> Any:
    outcome = pickle.loads(path.read_bytes())
    if isinstance(outcome, LrcnError):
        raise outcome
    return outcome


def _again(
    lost: Mapping[str, _Share[Any, Any]], found: set[int], folder: Path
) -> list[_Share[Any, Any]]:
    """What is left of shares whose Slurm jobs have ended, to be submitted again.

    Raises:
        LrcnError: Too many have ended without having done a job.
    """
    again = []
    for name, share in lost.items():
        left = {number: job for number, job in share.jobs.items() if number not in found}
        tries = 1 if len(left) < len(share.jobs) else share.tries + 1
        if tries == _TRIES:
            raise LrcnError(
                f"--executor slurm: {_TRIES} Slurm jobs have ended without making a shard, the last"
                f" one was {name}; its log in {folder / 'logs'} says why"
            )
        again.append(_Share(left, share.do, share.results, tries))
    return again


def _queued() -> set[str] | None:
    """The names of this user's jobs that wait or run; None where Slurm can't be asked now."""
    command = ["squeue", "--me", "--array", "--noheader", "--format=%i"]
    asked = subprocess.run(command, check=False, capture_output=True, text=True)
    return None if asked.returncode else set(asked.stdout.split())
