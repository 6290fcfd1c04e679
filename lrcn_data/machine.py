"""What this machine lets a process use: its cores, and limits that a process sets itself."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1

_ADDRESS_SPACE = 8 << 30
"""The most address space of a process, in bytes. What a decoder maps is far below it; what a file
that is made to exhaust the memory wants is far above."""


def usable_cores() -> int:
    """The number of cores that this process may use, by its affinity and its cgroup's CPU quota."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = count or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return count  # no cgroup v2 limit
    return count if quota == "max" else min(count, max(1, -(-int(quota) // int(period))))


def free_memory() -> int:
    """The bytes of memory that this process may still take, by the machine and by its cgroup."""
    rows = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    free = next(int(row[1]) << 10 for row in rows if row[0] == "MemAvailable:")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return free  # no cgroup v2 limit
    return min(free, max(0, limit - used))


def compute_in_one_thread() -> None:
    """Have numpy compute in one thread, if it isn't imported yet and the environment says nothing.

    Its OpenBLAS starts a thread for every core as soon as it is imported, and has all of them wait
    busily at first. On two cores that takes 50 ms of CPU time in each process.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it dies (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory() -> None:
    """Limit this process's address space, and keep it from writing a core file when it crashes."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    space = _ADDRESS_SPACE if most == resource.RLIM_INFINITY else min(most, _ADDRESS_SPACE)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
