"""A proxy between a store's client and a real server that lets some requests go wrong."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_SLOW = 0.1
_NOT_PASSED_ON = {"connection", "transfer-encoding", "keep-alive"}
_ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>injected by a test</Message></Error>"


class Fault(StrEnum):
    """What goes wrong with a request."""

    ERROR = "the server fails and has done nothing"
    ERROR_AFTER = "the server has done what was asked, and fails to say so"
    SLOW_DOWN = "the server asks for fewer requests"
    TRUNCATED = "the body of the answer ends too early"
    SLOW = "the answer takes its time"
    CUT = "the connection is cut before the request is done"
    CUT_AFTER = "the connection is cut after the request has been done"


class FaultyProxy(ThreadingHTTPServer):
    """Passes requests on to a server, one write at a time, and lets some go wrong.

    Args:
        endpoint: The URL of the server.

    Attributes:
        faults: The faults to choose from.
        rate: The share of requests that go wrong, none at first.
        met: How often each fault was met, and by the method of the request how many there were.
    """

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.server_name_and_port = endpoint.removeprefix("http://")
        self.faults: Sequence[Fault] = tuple(Fault)
        self.rate = 0.0
        self.met: Counter[str] = Counter()
        self.random = random.Random(0)
        self.lock = threading.Lock()
        # moto looks at a condition and writes in two steps, which real stores do in one
        self.writing = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def choose(self, method: str) -> Fault | None:
        with self.lock:
            self.met[method] += 1
            if self.random.random() >= self.rate:
                return None
            fault = self.random.choice(self.faults)
            self.met[fault] += 1
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the test's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.choose(self.command)
        if fault is Fault.ERROR:
            self._answer(500, {}, _ERROR % b"InternalError")
        elif fault is Fault.SLOW_DOWN:
            self._answer(503, {}, _ERROR % b"SlowDown")
        elif fault is Fault.CUT:
            self._cut()
        else:
            self._pass_on(body, fault)

    def _pass_on(self, body: bytes, fault: Fault | None) -> None:
        if fault is Fault.SLOW:
            time.sleep(_SLOW)
        if self.command in ("PUT", "POST", "DELETE"):
            with self.server.writing:
                status, headers, data = self._ask(body)
        else:
            status, headers, data = self._ask(body)
        if fault is Fault.ERROR_AFTER:
            self._answer(500, {}, _ERROR % b"InternalError")
        elif fault is Fault.CUT_AFTER:
            self._cut()
        elif fault is Fault.TRUNCATED and data:
            self._answer(status, headers, data, sent=len(data) // 2)
            self._cut()
        else:
            self._answer(status, headers, data)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.server.server_name_and_port, timeout=60)
        try:
            # the host as the client has signed it
            headers = dict(self.headers.items())
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: dict[str, str], data: bytes, sent: int | None = None
    ) -> None:
        self.send_response(status)
        kept = {n: v for n, v in headers.items() if n.lower() not in _NOT_PASSED_ON}
        if not any(name.lower() == "content-length" for name in kept):
            kept["Content-Length"] = str(len(data))
        for name, value in kept.items():
            if name.lower() not in ("server", "date"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:sent])

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def faulty_proxy(endpoint: str) -> Iterator[FaultyProxy]:
    """A proxy in front of a server, in threads of this process."""
    with FaultyProxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
