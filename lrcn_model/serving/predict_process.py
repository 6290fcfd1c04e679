"""The process that predicts, seen from the server: started, given uploads, and replaced.

It decodes what nobody has looked at, so it may crash, hang or fill the memory. That costs the
upload it was at and nothing else: the server loads neither a video nor a net, kills the process
where an upload takes too long or isn't wanted any more, and starts another.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.machine import die_with_parent
from lrcn_data.reasons import Reason
from lrcn_model.serving.predict_setup import PredictJob, PredictSetup

_MODULE = "lrcn_model.serving.predict_worker"

_LONGEST_LINE = 16 << 20
"""The most bytes of a message; one names all classes."""

_LAST_BREATH = 5.0
"""The seconds within which a process that says nothing more has ended."""

Message = dict[str, Any]
"""What the process says; `kind` says of what."""


class PredictProcess:
    """A process with a loaded net, started anew whenever it has ended; an async context manager.

    Args:
        setup: What uploads are predicted with.
        timeout: The seconds that one upload may take.

    Attributes:
        ready: What the process has said of the run: `fps` and `classes`.
    """

    def __init__(self, setup: PredictSetup, *, timeout: float) -> None:
        self._setup, self._timeout = setup, timeout
        self._process: Process | None = None
        self._starting: asyncio.Task[Process] | None = None
        self._closed = False
        self.ready: Message = {}

    async def __aenter__(self) -> Self:
        """Start the process, and wait until the net is loaded.

        Raises:
            LrcnError: The run can't be loaded, or not be used with these values.
        """
        try:
            self._start()
            await self._started()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the process, and start no other."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            # it may have a process that it hasn't told of yet, and ends that
            await asyncio.wait([self._starting])
        if (process := self._process) is not None:
            _kill(process)
            await process.wait()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            with suppress(OSError):
                await process.stdin.wait_closed()
            await process.stdout.read()

    async def predict(self, job: PredictJob) -> AsyncGenerator[Message]:
        """Have an upload predicted; one at a time.

        Whoever ends the iteration early ends the process's work on it as well.

        Args:
            job: The upload.

        Yields:
            What the process says, the last time of the kind `done` or `failed`; also where it has
            died or taken too long.
        """
        try:
            process = await self._started()
        except LrcnError as error:
            self._start()
            yield {"kind": "failed", "error": str(error)}
            return
        goes_on = False
        until = time.monotonic() + self._timeout
        try:
            assert process.stdin is not None
            process.stdin.write(job.line())
            said: Message = {}
            while said.get("kind") not in ("done", "failed"):
                said = await asyncio.wait_for(_hear(process), until - time.monotonic())
                goes_on = said["kind"] in ("done", "failed") and not said.get("ends")
                yield said
        except TimeoutError:
            yield _failed(Reason.TIMEOUT, f"predicting took longer than {self._timeout:g} s")
        except _EndedError as error:
            how = f"the process that predicted it ended with {error}; another one takes its place"
            yield _failed(Reason.CRASHED, how)
        finally:
            if not goes_on and not self._closed:
                _kill(process)
                self._start()

    def _start(self) -> None:
        self._starting = asyncio.get_running_loop().create_task(self._begin())

    async def _started(self) -> Process:
        assert self._starting is not None
        # shared: whoever doesn't want to wait any longer must not end it
        return await asyncio.shield(self._starting)

    async def _begin(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            _MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C is for the server, which ends this process
            start_new_session=True,
            preexec_fn=die_with_parent,
            limit=_LONGEST_LINE,
        )
        self._process = process
        assert process.stdin is not None
        process.stdin.write(self._setup.line())
        try:
            said = await _hear(process)
        except _EndedError as error:
            raise LrcnError(f"the process that predicts ended with {error} at its start") from None
        if said["kind"] == "refused":
            kind = UsageError if said["exit_code"] == UsageError.exit_code else LrcnError
            raise kind(said["error"])
        self.ready = said
        return process


class _EndedError(Exception):
    """The process has ended; the message says how."""


async def _hear(process: Process) -> Message:
    """Wait for the next message.

    Raises:
        _EndedError: There is none, or what came is no message.
    """
    assert process.stdout is not None
    try:
        message = json.loads(await process.stdout.readline())
    except ValueError:
        raise _EndedError(await _how_it_ended(process)) from None
    if not isinstance(message, dict) or "kind" not in message:
        raise _EndedError("words that are no message")
    return message


async def _how_it_ended(process: Process) -> str:
    """The signal that ended a process, or its exit code, as text; it has closed its stdout."""
    try:
        code = await asyncio.wait_for(process.wait(), _LAST_BREATH)
    except TimeoutError:
        return "words that are no message"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _kill(process: Process) -> None:
    """Kill a process with its group, if it hasn't ended."""
    # not process.kill(), which would take the exit code from whoever waits for it
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _failed(reason: Reason, detail: str) -> Message:
    return {"kind": "failed", "error": f"{reason}: {detail}"}
