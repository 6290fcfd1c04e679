"""lrcn-predict --serve as a user calls it: what goes with it, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import click
import psutil
import pytest

from lrcn_data.errors import UsageError
from tests.commands import call
from tests.lrcn_model.serving.conftest import AVI, WORKER, messages, weights

__all__ = ["weights"]

pytest.importorskip("uvicorn")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["clip.avi"], "SOURCE doesn't go with --serve; leave it out"),
        (["--csv", "a.csv"], "--csv doesn't go with --serve; leave it out"),
        (["--timeline"], "--timeline doesn't go with --serve; leave it out"),
        (["--json"], "--json doesn't go with --serve; leave it out"),
        (["--address", "8765"], "'8765' is no address; write 127.0.0.1:8765, or [::1]:8765"),
        (["--address", "a:b"], "'a:b' is no address"),
        (["--address", "http://a:1"], "'http://a:1' is no address"),
        (["--max-size", "0"], "--max-size must be at least 1 byte, got 0"),
        (["--max-size", "big"], "'big' is no size"),
    ],
)
def test_what_doesnt_go_with_it_is_refused(words: list[str], error: str) -> None:
    from lrcn_cli.predict import command

    with pytest.raises((UsageError, click.UsageError)) as refused:
        command.main(["run", "--serve", *words], standalone_mode=False)
    assert error in str(refused.value)


def test_without_it_a_source_is_needed(tmp_path: Path) -> None:
    done = call("predict", "run", folder=tmp_path, code=2)
    assert "Missing argument 'SOURCE...'" in done.stderr


def test_an_address_in_use_is_refused_before_a_net_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = call("predict", "run", "--serve", "--address", address, folder=tmp_path, code=2)
    assert f"--address {address} can't be used: Address already in use" in done.stderr


def start(run: Path, folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lrcn_cli.predict", str(run), "--serve", "--no-browser"]
    return subprocess.Popen(
        [*command, "--device", "cpu", "--address", "127.0.0.1:0", *words],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in psutil.Process(process.pid).children():
            with suppress(psutil.Error):  # one that has just ended has no command any more
                if WORKER in child.cmdline():
                    return child
        time.sleep(0.01)
    raise AssertionError("no process predicts")


def test_ctrl_c_ends_it_while_the_net_is_loaded_too(weights: Path, tmp_path: Path) -> None:
    with start(weights, tmp_path) as process:
        worker = worker_of(process)
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")
    assert told == "stopped by SIGINT; no upload is left\n"
    assert not worker.is_running()
    assert not list(tmp_path.iterdir())


def test_sigterm_leaves_neither_a_file_nor_a_process(weights: Path, tmp_path: Path) -> None:
    with start(weights, tmp_path, "--max-seconds", "0.5") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        worker_of(process).suspend()
        connections = []
        for _ in range(2):
            connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"))
            connection.request("POST", "/videos", AVI, {"X-Video-Name": "a.avi"})
            connections.append(connection)
        begun, failed = messages(connections[0].getresponse())
        assert begun["kind"] == "begun"
        assert failed["error"] == "timeout: predicting took longer than 0.5 s"
        answer = connections[1].getresponse()
        assert json.loads(answer.readline())["kind"] in ("waiting", "begun")
        [folder] = tmp_path.iterdir()
        assert len(list(folder.glob("files/*/video"))) == 1
        worker = worker_of(process)
        process.terminate()
        _, told = process.communicate(timeout=30)
        for connection in connections:
            connection.close()
    assert process.returncode == 143
    assert told.splitlines()[-1] == "stopped by SIGTERM; no upload is left"
    assert not worker.is_running()
    assert not list(tmp_path.iterdir())
