"""Whatever makes the shards, and whatever dies meanwhile: the data set is that of one machine."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
import pytest

from lrcn_data.storage import remote_files
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.locations import is_url
from tests.bucket_servers import SERVERS
from tests.engines import HAS_RAY, HAS_SLURM, one_node_slurm, two_node_ray
from tests.faulty_proxy import faulty_proxy

pytestmark = pytest.mark.slow

OWN = '''
import os, signal, time
from dataclasses import dataclass

from lrcn_data.sampling.sampling import Sampling

__version__ = "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Slow(Sampling):
    """Takes its time for a video, so that something dies meanwhile; one video kills its decoder."""

    def choose(self, positions, draw):
        time.sleep(0.15)
        if len(positions) == 9:
            os.kill(os.getpid(), signal.SIGSEGV)
        return [tuple(positions[: self.seq_len])]
'''

only_chaos = pytest.mark.skipif(
    not os.environ.get("LRCN_CHAOS"), reason="only make chaos-cluster kills this often"
)
needs_slurm = pytest.mark.skipif(not HAS_SLURM, reason="Slurm or submitit is not installed")
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")


@dataclass(slots=True)
class Making:
    """A data set that is being made by some commands, each of which is started again when killed.

    Attributes:
        runs: Where they run.
        commands: What each has beside the data set's own options.
        tasks: Finds the processes that have shards made for the commands.
        faults: What was wrong so far.
    """

    runs: Any
    commands: list[list[str]]
    tasks: Callable[[], list[psutil.Process]]
    faults: list[str] = field(default_factory=list)
    _running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self) -> None:
        for number in range(len(self.commands)):
            self._start(number)

    @property
    def is_done(self) -> bool:
        """Whether all commands have ended; any that wasn't killed has succeeded."""
        for number, process in list(self._running.items()):
            if process.poll() is not None:
                _, said = process.communicate()
                if process.returncode:
                    self.faults.append(f"{self.commands[number]}: {said[-600:]}")
                del self._running[number]
        return not self._running

    def kill_command(self, rng: random.Random) -> bool:
        """Kill a command, or all processes of it, and start it again at once."""
        number, process = rng.choice([*self._running.items()])
        if process.poll() is not None:
            return False
        if rng.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        self._start(number)
        return process.returncode == -signal.SIGKILL

    def kill_task(self, rng: random.Random) -> bool:
        """Kill one of the processes that have shards made."""
        tasks = self.tasks()
        if not tasks:
            return False
        with suppress(psutil.NoSuchProcess):
            rng.choice(tasks).kill()
            return True
        return False

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.communicate()

    def _start(self, number: int) -> None:
        self._running[number] = self.runs.start(*self.commands[number], group=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """What has shards made on several machines.

    Attributes:
        commands: What each of the commands that make a data set has beside its own options.
        tasks: Finds the processes that have shards made; none but the commands by default.
        faults: What else may happen, and how often of ten times.
    """

    commands: list[list[str]]
    tasks: Callable[[], list[psutil.Process]] = list
    faults: dict[Callable[[], object], int] = field(default_factory=dict)


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket, behind a proxy that lets one of fifty requests go wrong."""
    server = SERVERS["moto"]
    with (
        server.serve(tmp_path_factory.mktemp("served")) as endpoint,
        faulty_proxy(endpoint) as proxy,
        patch.dict(os.environ, server.environment(proxy.endpoint)),
    ):
        proxy.rate = 0.02
        yield server.bucket


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory, bucket: str) -> Iterator[Engine]:
    with one_node_slurm(tmp_path_factory.mktemp("slurm")) as slurm:
        yield Engine(
            commands=[["--executor", "slurm", "--workers", "4"]],
            tasks=slurm.tasks,
            faults={slurm.lose_node: 1, slurm.requeue: 2, slurm.preempt: 2},
        )


@pytest.fixture(scope="session")
def ray(bucket: str) -> Iterator[Engine]:
    # its processes have the credentials that are set when it is started
    with two_node_ray() as ray:
        yield Engine(
            commands=[["--executor", f"ray:{ray.address}"]],
            tasks=ray.tasks,
            faults={ray.lose_node: 1},
        )


PARTS = Engine(commands=[["--workers", "1", "--part", f"{number}/4"] for number in range(4)])


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    return PARTS if request.param == "parts" else request.getfixturevalue(request.param)


@pytest.fixture
def slow_runs(runs: Any, write_video: Callable[..., Path], count: Callable[[int, int], int]) -> Any:
    """Runs that take some seconds, with one video among others that kills its decoder."""
    (runs.folder / "own.py").write_text(OWN)
    lists: dict[str, list[str]] = {"train": [], "test": []}
    videos = count(16, 40)
    for number in range(videos):
        name = f"class{number % 2}/slow {number}.mp4"
        write_video(name, frames=18 if number == 6 else 20)
        lists["test" if number % 4 == 3 else "train"].append(f"{name} class{number % 2}\n")
    for split, lines in lists.items():
        (runs.folder / f"{split}.txt").write_text("".join(lines))
    runs.arguments = ["--sampling", "own:Slow", "--videos-per-shard", "2"]
    return runs


def make(
    runs: Any, engine: Engine, out: str, rng: random.Random, *, kills: int, every: float
) -> tuple[int, list[str]]:
    """Make a data set while things die.

    Args:
        runs: Where it is made.
        engine: What has its shards made.
        out: Its folder.
        rng: Draws what happens.
        kills: How many times something is to die at most.
        every: The seconds between two times, on average.

    Returns:
        How many times something has died, and what was wrong in the end.
    """
    commands = [[*command, "--out", out] for command in engine.commands]
    making = Making(runs, commands, engine.tasks)
    happens: dict[Callable[[], object], int] = {
        lambda: making.kill_command(rng): 3,
        lambda: making.kill_task(rng): 6,
        **engine.faults,
    }
    died = 0
    making.start()
    try:
        while not making.is_done:
            time.sleep(rng.uniform(0, 2 * every) if died < kills else 0.2)
            if died < kills and not making.is_done:
                (what,) = rng.choices(list(happens), list(happens.values()))
                died += what() is not False
    finally:
        making.end()
    return died, making.faults


def difference(runs: Any, out: str, whole: dict[str, str]) -> list[str]:
    """The files of a data set that differ from another's, or that only one of the two has."""
    tree = tree_in_store(out) if is_url(out) else runs.tree(out)
    names = {name for name in (*tree, *whole) if not name.startswith(".lock")}
    return sorted(name for name in names if tree.get(name) != whole.get(name))


def tree_in_store(url: str) -> dict[str, str]:
    """SHA-256 of every file."""
    folder = Folder(url)
    return {name: hashlib.sha256(folder.read(name)).hexdigest() for name in remote_files.find(url)}


on_every_engine = pytest.mark.parametrize(
    "engine",
    [
        "parts",
        pytest.param("slurm", marks=needs_slurm),
        pytest.param("ray", marks=needs_ray),
    ],
    indirect=True,
)


@on_every_engine
def test_every_engine_makes_the_same_data_set_and_a_poisoned_video_costs_that_video(
    slow_runs: Any, engine: Engine
) -> None:
    whole, _ = slow_runs.whole("--workers", "4")
    died, faults = make(slow_runs, engine, "made", random.Random(1), kills=1, every=1)
    assert (died, faults) == (1, [])
    assert difference(slow_runs, "made", whole) == []
    (rejected,) = (slow_runs.folder / "made/rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["path"] == "class0/slow 6.mp4"
    assert json.loads(rejected)["reason"] == "crashed"


@pytest.mark.long
@on_every_engine
def test_every_engine_makes_the_same_data_set_in_a_bucket(
    slow_runs: Any, bucket: str, engine: Engine
) -> None:
    whole, _ = slow_runs.whole("--workers", "4")
    out = f"{bucket}/{slow_runs.folder.name}"
    died, faults = make(slow_runs, engine, out, random.Random(1), kills=1, every=1)
    assert (died, faults) == (1, [])
    assert difference(slow_runs, out, whole) == []


def kill_many(
    runs: Any,
    tally: Any,
    engine: Engine,
    *,
    kills: int,
    every: float,
    seed: int,
    bucket: str | None = None,
) -> None:
    """Make data sets, of which each sees ten deaths at most, until there were so many.

    Args:
        runs: Where their videos are.
        tally: Counts the deaths.
        engine: What has their shards made.
        kills: How many deaths there are in all.
        every: The seconds between two, on average.
        seed: Of what happens.
        bucket: The URL of the bucket that they are made in; None for a disk.
    """
    whole, _ = runs.whole("--workers", "8")
    made = 0
    for number in itertools.count():
        out = f"{bucket}/made{seed}-{number}" if bucket else f"{runs.folder}/made{number}"
        rng = random.Random(seed + number)
        most = min(10, kills - tally.tried)
        died, faults = make(runs, engine, out, rng, kills=most, every=every)
        if differ := difference(runs, out, whole):
            faults.append(f"{out} differs in {differ}")
        for _ in range(died):
            tally.add(next(iter(faults), None))
        Folder(out).remove()
        made += 1
        if tally.tried == kills:
            break
    tally.note(f"{made} data sets, each with a video that kills its decoder")
    tally.check(kills)


@only_chaos
@pytest.mark.promise(25, "--part I/4: jobs and their processes killed, and run again")
def test_parts_that_are_killed_make_the_same_data_set(slow_runs: Any, tally: Any) -> None:
    kill_many(slow_runs, tally, PARTS, kills=60, every=0.6, seed=25)


@only_chaos
@needs_slurm
@pytest.mark.promise(
    25,
    "--executor slurm, real Slurm of one node: tasks, the node and the first process killed, jobs"
    " preempted and requeued",
)
def test_slurm_jobs_that_are_killed_make_the_same_data_set(
    slow_runs: Any, slurm: Engine, tally: Any
) -> None:
    kill_many(slow_runs, tally, slurm, kills=60, every=1.5, seed=125)


@only_chaos
@needs_ray
@pytest.mark.promise(
    25, "--executor ray, real cluster of two nodes: tasks, a node and the first process killed"
)
def test_ray_tasks_that_are_killed_make_the_same_data_set(
    slow_runs: Any, ray: Engine, tally: Any
) -> None:
    kill_many(slow_runs, tally, ray, kills=80, every=1.5, seed=225)


_IN_A_BUCKET = "into a bucket of moto's, of whose requests 2 % go wrong; "


@only_chaos
@pytest.mark.parametrize(
    ("engine", "seed"),
    [
        pytest.param(
            "parts",
            325,
            marks=pytest.mark.promise(25, _IN_A_BUCKET + "--part I/4: jobs killed, and run again"),
        ),
        pytest.param(
            "slurm",
            425,
            marks=[
                needs_slurm,
                pytest.mark.promise(
                    25,
                    _IN_A_BUCKET + "--executor slurm: tasks, the node and the first process killed,"
                    " jobs preempted and requeued",
                ),
            ],
        ),
        pytest.param(
            "ray",
            525,
            marks=[
                needs_ray,
                pytest.mark.promise(
                    25,
                    _IN_A_BUCKET + "--executor ray: tasks, a node and the first process killed",
                ),
            ],
        ),
    ],
    indirect=["engine"],
)
def test_what_is_killed_makes_the_same_data_set_in_a_bucket(
    slow_runs: Any, bucket: str, engine: Engine, seed: int, tally: Any
) -> None:
    kill_many(slow_runs, tally, engine, kills=20, every=3, seed=seed, bucket=bucket)
