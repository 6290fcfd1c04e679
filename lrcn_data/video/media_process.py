"""Runs a media program so that it can't outlive its parent, outgrow the memory or run for ever."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Self

from lrcn_data.errors import VideoError
from lrcn_data.machine import die_with_parent, limit_memory
from lrcn_data.reasons import Reason

_KEPT_MESSAGES = 64 << 10
_LONGEST_LINE = 64 << 10
_CLOCK_STEP = 1.0
"""The number of seconds between two looks at the clock."""


def _restrict() -> None:
    die_with_parent()
    limit_memory()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class MediaProcess:
    """A running media program with a limit on its wall time.

    Use it as a context manager: when the context is left, the program and all processes in its
    group are killed.

    Args:
        command: The program and its arguments.
        timeout: The number of seconds that the program may run.
    """

    def __init__(self, command: list[str], *, timeout: float) -> None:
        self._timeout = timeout
        self._timed_out = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_restrict,
        )
        self._left = threading.Event()
        self._watch = threading.Thread(target=self._end_in_time, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left.set()
        self._watch.join()
        self._kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    @property
    def stdout(self) -> IO[bytes]:
        """The program's standard output."""
        assert self._process.stdout is not None
        return self._process.stdout

    def stderr_lines(self) -> Iterator[str]:
        """The lines that the program prints, as they come; very long lines come in parts."""
        assert self._process.stderr is not None
        while line := self._process.stderr.readline(_LONGEST_LINE):
            yield line.decode(errors="replace")

    @contextmanager
    def collected_stderr(self, wanted: Callable[[str], bool]) -> Iterator[list[str]]:
        """Read what the program prints as messages, so that its output can be read meanwhile.

        Args:
            wanted: Says whether a line is kept.

        Yields:
            The list of kept lines, which grows up to 64 KB; it is complete when the context is
            left.
        """
        kept: list[str] = []

        def drain() -> None:
            room = _KEPT_MESSAGES
            for line in self.stderr_lines():
                if room > 0 and wanted(line):
                    kept.append(line)
                    room -= len(line)

        thread = threading.Thread(target=drain, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            self._kill()
            thread.join()

    def wait(self) -> int:
        """Wait until the program ends, dropping output that was not read.

        Returns:
            The program's exit code.

        Raises:
            VideoError: The program was killed at its limit (`timeout`).
        """
        while self.stdout.read(_KEPT_MESSAGES):
            pass
        code = self._process.wait()
        self.check_timeout()
        return code

    def check_timeout(self) -> None:
        """Raise VideoError (`timeout`) if the program was killed at its limit."""
        if self._timed_out:
            raise VideoError(Reason.TIMEOUT, f"decoding took longer than {self._timeout:g} s")

    def _end_in_time(self) -> None:
        seconds = self._timeout
        # not by one long wait: time in which this process is stopped, as by Ctrl-Z, doesn't count
        while seconds > 0:
            if self._left.wait(min(seconds, _CLOCK_STEP)):
                return
            seconds -= _CLOCK_STEP
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
