"""Real engines for tests and benchmarks: a Slurm of one node, and a Ray cluster of two."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from tests.free_port import free_port

HAS_SLURM = shutil.which("slurmctld") is not None and find_spec("submitit") is not None
HAS_RAY = find_spec("ray") is not None

CORES = 8
"""How many cores Slurm's node and both of Ray's together say that they have."""

_SLURM_CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
AuthInfo=cred_expire=5
CredType=cred/none
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
KillWait=2
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def wait_for(happened: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until something has happened.

    Raises:
        TimeoutError: It hasn't for so many seconds.
    """
    limit = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > limit:
            raise TimeoutError(f"{happened} hasn't come true in {seconds} s")
        time.sleep(0.1)


@dataclass(slots=True)
class OneNodeSlurm:
    """Slurm's own daemons, with a configuration of their own.

    Attributes:
        folder: What they keep is here.
    """

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    def start(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        ports = [free_port(), free_port()]
        text = _SLURM_CONF.format(
            host=socket.gethostname(),
            user=getpass.getuser(),
            folder=self.folder,
            controller_port=ports[0],
            node_port=ports[1],
            cores=CORES,
        )
        self.configuration.write_text(text)
        self._run("slurmctld", "-f", str(self.configuration))
        self._start_node()

    def stop(self) -> None:
        for job in self.jobs():
            with suppress(psutil.Error):
                job.kill()
        for daemon in ("slurmd", "slurmctld"):
            with suppress(OSError, psutil.Error):
                process = psutil.Process(int((self.folder / f"{daemon}.pid").read_text()))
                process.terminate()
                process.wait(10)

    def lose_node(self) -> None:
        """Kill all that runs on the node, have Slurm notice it, and bring the node back."""
        node = psutil.Process(int((self.folder / "slurmd.pid").read_text()))
        jobs = self.jobs()
        # those first that would tell Slurm how the others ended
        starters = {ancestor for job in jobs for ancestor in _ancestors(job, "slurmstepd")}
        for process in (node, *starters, *jobs):
            with suppress(psutil.Error):
                process.kill()
        node.wait(10)
        name = f"nodename={socket.gethostname()}"
        self._run("scontrol", "update", name, "state=down", "reason=lost")
        self._start_node()

    def requeue(self) -> bool:
        """Have Slurm requeue one of the running jobs, as an administrator may."""
        return any(self._try("scontrol", "requeue", job) for job in self._running()[:1])

    def preempt(self) -> bool:
        """Send one of the running jobs the signal by which Slurm says that its time is over."""
        return any(self._try("scancel", "--signal=USR2", job) for job in self._running()[:1])

    def jobs(self) -> list[psutil.Process]:
        """The processes of the jobs that run."""
        found = []
        for process in psutil.process_iter(["environ"]):
            there = process.info["environ"] or {}
            if there.get("SLURM_CONF") == str(self.configuration) and "SLURM_JOB_ID" in there:
                found.append(process)
        return found

    def tasks(self) -> list[psutil.Process]:
        """The processes of Python in which jobs have shards made, and those that start these."""
        return [one for one in self.jobs() if "submitit.core._submit" in _command(one)]

    def _running(self) -> list[str]:
        """The names of the jobs that run."""
        return self._run(
            "squeue", "--noheader", "--array", "--states=running", "--format=%i"
        ).split()

    def _start_node(self) -> None:
        self._run("slurmd", "-f", str(self.configuration))
        wait_for(
            lambda: self._run("sinfo", "--noheader", "--format=%T").strip() in ("idle", "mixed")
        )

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def _try(self, *command: str) -> bool:
        return not subprocess.run(command, capture_output=True, env=self._environment).returncode

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self.configuration)}


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[OneNodeSlurm]:
    """A Slurm to which this process and those that it starts submit while the block runs."""
    slurm = OneNodeSlurm(folder)
    with patch.dict(os.environ, SLURM_CONF=str(slurm.configuration)):
        try:
            slurm.start()
            yield slurm
        finally:
            slurm.stop()


@dataclass(slots=True)
class TwoNodeRay:
    """A Ray cluster whose nodes are all on this machine."""

    cluster: Any
    _nodes: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        address: str = self.cluster.address
        return address

    def add_node(self) -> None:
        for tries in range(3, 0, -1):
            try:
                self._nodes.append(self.cluster.add_node(**_NODE))
                return
            except Exception as error:
                # Ray's own type for a node that is slow to start; this machine may be busy
                if tries == 1 or "timed out" not in str(error):
                    raise

    def lose_node(self) -> None:
        """Kill the node that isn't the cluster's head, and add another one."""
        self.cluster.remove_node(self._nodes.pop(), allow_graceful=False)
        self.add_node()

    def tasks(self) -> list[psutil.Process]:
        """The processes of Python that do a task."""
        mine = psutil.Process().children(recursive=True)
        return [one for one in mine if _command(one).startswith("ray::_do")]


_NODE = {"num_cpus": CORES // 2, "object_store_memory": 80 << 20}


@contextmanager
def two_node_ray() -> Iterator[TwoNodeRay]:
    """A Ray cluster that is there while the block runs."""
    with patch.dict(os.environ, RAY_USAGE_STATS_ENABLED="0"):
        from ray.cluster_utils import Cluster

        cluster = Cluster(
            initialize_head=True, head_node_args={**_NODE, "include_dashboard": False}
        )
        try:
            ray = TwoNodeRay(cluster)
            ray.add_node()
            yield ray
        finally:
            cluster.shutdown()


def _ancestors(process: psutil.Process, name: str) -> list[psutil.Process]:
    """The processes of a name that another one comes of."""
    with suppress(psutil.Error):
        return [parent for parent in process.parents() if parent.name() == name]
    return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
