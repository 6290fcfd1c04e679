"""A run whose net changes its mind, and a server that shows it in this process."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.predicting.predict import FrameProbabilities, predict
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.trained_run import RunFacts, load_run, save_weights
from tests.lrcn_data.conftest import encoded

CLASSES = ["walk", "<b>run</b>"]
AVI = encoded("served.avi", frames=40, fps=Fraction(10), size=(64, 48), codec="mpeg4")
WEBM = encoded("served.webm", frames=40, fps=Fraction(10), size=(64, 48), codec="libvpx")
MAX_SIZE = 1 << 20
WORKER = "lrcn_model.serving.predict_worker"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a net on labels in time, to which WEBM shows one class as often as the other."""
    folder = tmp_path_factory.mktemp("served")
    video, path = folder / "served.webm", folder / "run.safetensors"
    video.write_bytes(WEBM)
    torch.manual_seed(2)
    net = LRCN(NetConfig(classes=2, cnn="small", size=(32, 32), head="gru")).eval()
    facts = RunFacts(
        classes=CLASSES,
        seq_len=4,
        fps=Fraction(5),
        average="probs",
        stored_size=None,
        trained={},
        labels_in_time=True,
        window=4,
        carry_state=True,
    )
    preprocess = Preprocess((32, 32), torch.full((3,), 99.0))
    save_weights(path, net, preprocess, facts)
    frames: list[FrameProbabilities] = []
    predict(load_run(path, device="cpu"), video, timeline=True, on_frame=frames.append)
    odds_FC = np.log([frame.probs_C for frame in frames])
    with torch.no_grad():
        net.classifier.bias -= torch.from_numpy(np.median(odds_FC, axis=0)).float()
    save_weights(path, net, preprocess, facts)
    return path


@dataclass(slots=True)
class Server:
    """A server in a thread.

    Attributes:
        folder: Where it keeps uploads.
        url: That of the page.
        answers: What it has answered in a test.
    """

    folder: Path
    url: str = ""
    answers: list[http.client.HTTPResponse] = field(default_factory=list)
    _stop: Any = None
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].rstrip("/"))

    def run(self, weights: Path) -> None:
        from lrcn_model.serving.predict_setup import PredictSetup
        from lrcn_model.serving.serve import ServeOptions, run_server

        listening = socket.create_server(("127.0.0.1", 0))
        options = ServeOptions(host="127.0.0.1", port=0, max_size=MAX_SIZE, timeout=60)
        setup = PredictSetup(run=os.fspath(weights), device="cpu")

        async def serve() -> None:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None
            self._stop = lambda: loop.call_soon_threadsafe(task.cancel)
            await run_server(setup, options, listening, self.folder, self.ready)

        try:
            asyncio.run(serve())
        except asyncio.CancelledError:
            pass
        finally:
            listening.close()
            self._ready.set()

    def ready(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def wait(self) -> None:
        assert self._ready.wait(60)
        assert self.url

    def stop(self) -> None:
        self._stop()

    def ask(self, path: str = "/") -> http.client.HTTPResponse:
        """The answer to a GET."""
        return self.send("GET", path, None, {})

    def send(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"Connection": "close", **headers})
        return self.answer_of(connection)

    def answer_of(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        """The answer that comes; its connection ends with it, at the test's end at last."""
        self.answers.append(connection.getresponse())
        return self.answers[-1]

    def upload(self, body: Any, **headers: str) -> http.client.HTTPResponse:
        return self.send("POST", "/videos", body, {"X-Video-Name": "a%20b.avi", **headers})

    def worker(self) -> psutil.Process:
        """The process that predicts now."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if child.status() != psutil.STATUS_ZOMBIE and WORKER in child.cmdline():
                        return child
            time.sleep(0.01)
        raise AssertionError("no process predicts")

    def held(self) -> list[Path]:
        return list(self.folder.iterdir())


def messages(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """What a server says of an upload, as it comes."""
    assert answer.status == 200
    while line := answer.readline():
        yield json.loads(line)


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """The server, whose connections a test needn't close."""
    yield running_server
    while running_server.answers:
        running_server.answers.pop().close()


@pytest.fixture(scope="module")
def running_server(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    server = Server(tmp_path_factory.mktemp("uploads"))
    thread = threading.Thread(target=server.run, args=(weights,))
    thread.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()
        thread.join()
