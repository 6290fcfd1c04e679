from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lrcn_data.machine import usable_cores


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_no_more_cores_are_used_than_there_are() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_a_process_that_is_bound_to_one_core_uses_one() -> None:
    core = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}});"
        "from lrcn_data.machine import usable_cores; print(usable_cores())"
    )
    assert run(code) == "1"


def test_with_limited_memory_a_bomb_is_refused_and_leaves_no_core_file() -> None:
    code = (
        "import resource; from lrcn_data.machine import limit_memory; limit_memory()\n"
        "try:\n    bytearray(16 << 30)\nexcept MemoryError:\n    print('refused')\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert run(code).splitlines() == ["refused", "(0, 0)"]


def test_a_tighter_limit_of_the_system_is_kept() -> None:
    tight = 4 << 30
    code = (
        "import resource; from lrcn_data.machine import limit_memory;"
        f"resource.setrlimit(resource.RLIMIT_AS, ({tight}, {tight})); limit_memory();"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    assert run(code) == str(tight)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the threads of a process")
def test_numpy_starts_no_threads_where_one_is_to_compute() -> None:
    code = (
        "import os; from lrcn_data.machine import compute_in_one_thread; compute_in_one_thread();"
        "import numpy; print(len(os.listdir('/proc/self/task')))"
    )
    assert run(code) == "1"


def test_a_number_of_threads_that_somebody_has_chosen_is_kept() -> None:
    code = (
        "import os; os.environ['OPENBLAS_NUM_THREADS'] = '2';"
        "from lrcn_data.machine import compute_in_one_thread; compute_in_one_thread();"
        "print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    assert run(code) == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of that")
def test_a_process_that_is_bound_to_its_parent_dies_with_it(tmp_path: Path) -> None:
    child = (
        "import time; from lrcn_data.machine import die_with_parent; die_with_parent();"
        "print('ready', flush=True); time.sleep(600)"
    )
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True)
    orphan = int(done.stdout)
    end = time.monotonic() + 30
    while psutil.pid_exists(orphan) and time.monotonic() < end:
        if psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        assert not psutil.pid_exists(orphan)
