"""The server: a socket, the process that predicts, the page, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from lrcn_data.errors import UsageError
from lrcn_data.storage.temporary_folder import temporary_folder
from lrcn_model.serving.app import build_app
from lrcn_model.serving.predict_process import PredictProcess
from lrcn_model.serving.predict_setup import PredictSetup

_MOST_CONNECTIONS = 64
_STOP = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """How the page is served.

    Attributes:
        host: The name or address to listen at.
        port: The port to listen at; 0 for any that is free.
        max_size: The most bytes of an upload.
        timeout: The seconds that predicting one upload may take.

    Raises:
        UsageError: A value is out of range.
    """

    host: str
    port: int
    max_size: int
    timeout: float

    def __post_init__(self) -> None:
        if self.max_size < 1:
            raise UsageError(f"--max-size must be at least 1 byte, got {self.max_size}")
        if not 0 < self.timeout < float("inf"):
            raise UsageError(f"--timeout must be above 0 seconds, got {self.timeout}")


def serve(setup: PredictSetup, options: ServeOptions, on_ready: Callable[[str], None]) -> int:
    """Serve the page until the process is told to stop; no file stays behind.

    Args:
        setup: What uploads are predicted with.
        options: How the page is served.
        on_ready: Called with the page's URL once it can be opened.

    Returns:
        The number of the signal that told it to stop.

    Raises:
        UsageError: The address can't be used, the run doesn't exist, or a value is out of range.
        LrcnError: The run's weights are damaged.
    """
    with _listen(options) as listening, temporary_folder() as folder:
        return asyncio.run(_until_stopped(setup, options, listening, folder, on_ready))


async def _until_stopped(
    setup: PredictSetup,
    options: ServeOptions,
    listening: socket.socket,
    folder: Path,
    on_ready: Callable[[str], None],
) -> int:
    stopped: list[int] = []
    task = asyncio.current_task()
    assert task is not None

    def stop(number: int) -> None:
        stopped.append(number)
        task.cancel()

    for number in _STOP:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        await run_server(setup, options, listening, folder, on_ready)
    except asyncio.CancelledError:
        if not stopped:
            raise
    return stopped[0]


async def run_server(
    setup: PredictSetup,
    options: ServeOptions,
    listening: socket.socket,
    folder: Path,
    on_ready: Callable[[str], None],
) -> None:
    """Serve the page until the task is cancelled.

    Args:
        setup: What uploads are predicted with.
        options: How the page is served.
        listening: The socket to serve it at.
        folder: Where uploads are while they are held.
        on_ready: Called with the page's URL once it can be opened.

    Raises:
        UsageError: The run doesn't exist, or a value is out of range.
        LrcnError: The run's weights are damaged.
    """
    async with PredictProcess(setup, timeout=options.timeout) as process:
        app = build_app(
            process, folder, host=options.host, max_size=options.max_size, run=setup.run
        )
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            access_log=False,
            log_level="critical",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=0,
        )
        on_ready(_url(options.host, listening.getsockname()[1]))
        server = _Server(config)
        try:
            await server.serve(sockets=[listening])
        finally:
            if server.started:
                # ends the requests that uploads are held by
                await server.shutdown()


class _Server(uvicorn.Server):
    """Leaves signals alone, which end the task that it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


def _listen(options: ServeOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        raise UsageError(
            f"--address {options.host}:{options.port} can't be used: {error.strerror}; name"
            f" another, such as 127.0.0.1:0 for any free port"
        ) from error


def _url(host: str, port: int) -> str:
    # what stands for all addresses of this machine is none that a browser could open
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
