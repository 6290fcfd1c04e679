"""Runs commands as a user types them, and waits for every process that comes of them; Linux only.

What has been waited for is part of `compare.cpu_seconds`. `lrcn-data shard` has its workers started
by a server that it doesn't wait for, so that nobody else would know what they took.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from revision import CommandFailed, clean_environment, last_lines

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeCommand:
    """A command, which runs each time that this is called.

    Attributes:
        command: The name of one of this interpreter's programs, such as lrcn-data, and arguments.
        folder: A folder; in it, each run gets an empty one of its own as its current folder.
        seconds: The seconds by the clock that each run took so far.
        first_process: The CPU seconds of each run that its first process took, without those that
            it left behind.
    """

    command: Sequence[object]
    folder: Path
    seconds: list[float] = field(default_factory=list)
    first_process: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        """Run the command.

        Raises:
            CommandFailed: The command ended with an error.
        """
        program, *arguments = map(str, self.command)
        with tempfile.TemporaryFile() as told:
            began = time.monotonic()
            process = subprocess.Popen(
                [Path(sys.executable).with_name(program), *arguments],
                cwd=tempfile.mkdtemp(dir=self.folder),
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.monotonic() - began)
            self.first_process.append(usage.ru_utime + usage.ru_stime)
            process.returncode = os.waitstatus_to_exitcode(status)
            wait_for_orphans()
            told.seek(0)
            if process.returncode:
                raise CommandFailed(f"{program} {arguments}\n{last_lines(told.read())}")


def become_parent_of_orphans() -> None:
    """Have processes whose parents have ended become children of this one."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def wait_for_orphans() -> None:
    """Wait for all that a command has left behind; see `become_parent_of_orphans`.

    There must be no other children.
    """
    with suppress(ChildProcessError):
        while True:
            os.wait()
