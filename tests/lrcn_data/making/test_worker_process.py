from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

PROGRAM = """
import os
from contextlib import closing

from lrcn_data.making.isolated_work import IsolatedWork
from tests.lrcn_data.making.empty_job import empty_job
from tests.lrcn_data.making.test_isolated_work import say_who

print("the program runs")
with closing(IsolatedWork(work=say_who, timeout=60)) as do:
    print(do(empty_job()).result != os.getpid())
"""


def run(*arguments: str, given: str = "") -> list[str]:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=PROJECT, input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_program_that_has_work_done_is_run_once_and_needs_no_guard(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"import sys; sys.path.insert(0, {str(PROJECT)!r})\n{PROGRAM}")
    assert run(str(path)) == ["the program runs", "True"]


def test_a_program_may_be_read_from_stdin() -> None:
    assert run("-", given=PROGRAM) == ["the program runs", "True"]


def test_what_workers_are_forked_from_has_one_thread_and_all_that_they_need() -> None:
    code = (
        "import os, sys, lrcn_data.making.worker_preload;"
        "print(len(os.listdir('/proc/self/task')), {'av', 'simplejpeg'} <= sys.modules.keys())"
    )
    assert run("-c", code) == ["1 True"]


def test_no_garbage_is_looked_for_in_what_workers_are_forked_from_but_in_what_comes_later() -> None:
    code = (
        "import gc, lrcn_data.making.worker_preload as preload;"
        "print(any(one is preload.__dict__ for one in gc.get_objects()), gc.isenabled())"
    )
    assert run("-c", code) == ["False True"]
