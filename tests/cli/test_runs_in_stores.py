"""Runs in stores: trained, gone on with, evaluated and shown, as those on the disk are."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from click.testing import CliRunner
from lrcn_cli.evaluate import command as eval_command
from lrcn_cli.report import command as report_command
from lrcn_cli.train import command as train_command

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.checkpoint import load_checkpoint
from tests.bucket_servers import CREDENTIALS, serve_moto
from tests.faulty_proxy import faulty_proxy

MakeDataSet = Callable[..., Path]

VALUES = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--batch-size", "3"),
    *("--lr", "1e-3", "--flip", "0.5", "--workers", "0", "--device", "cpu"),
)


def run(command: Any, *arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def memory() -> Iterator[str]:
    """The URL of a run in fsspec's memory."""
    name = f"runs-{secrets.token_hex(4)}"
    yield f"memory://{name}"
    if fsspec.filesystem("memory").exists(name):
        fsspec.filesystem("memory").rm(name, recursive=True)


def shards_of(make_data_set: MakeDataSet) -> tuple[str, ...]:
    data = make_data_set(samples={"train": [9, 7], "val": [6], "test": [6]}, sizes=((32, 32),))
    return ("--shards", f"{data}/train-*.tar", "--val-shards", f"{data}/val-*.tar")


def lines(text: bytes) -> list[dict[str, Any]]:
    """What metrics.jsonl says, without what the clock decides."""
    timed = ("clips_per_s", "seconds")
    found = map(json.loads, text.splitlines())
    return [{name: v for name, v in line.items() if name not in timed} for line in found]


def names_in(url: str) -> set[str]:
    """The names of a run's files, without the digits of TensorBoard's."""
    return {re.sub(r"tfevents.*", "tfevents", name) for name in remote_files.find(url)}


def names_of(folder: Path) -> set[str]:
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return {re.sub(r"tfevents.*", "tfevents", name) for name in found}


def test_a_run_in_a_store_is_the_one_on_the_disk(
    make_data_set: MakeDataSet, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRCN_PICTURES", "1")
    shards = shards_of(make_data_set)
    test = ("--shards", shards[1].replace("train", "test"), "--workers", "0")
    run(train_command, *VALUES, *shards, "--epochs", "2", "--out", "here")
    run(train_command, *VALUES, *shards, "--epochs", "1", "--out", memory)
    # goes on with the first epoch's
    said = run(train_command, "--resume", memory, "--epochs", "2", "--report")
    assert f"kept: {memory}/weights.safetensors" in said
    assert f"look at: {memory}/validation/" in said
    assert f"report: {memory}/report.html" in said
    here, there = Path("here"), RunFolder(memory)
    assert there.read("weights.safetensors") == (here / "weights.safetensors").read_bytes()
    assert lines(there.read("metrics.jsonl")) == lines((here / "metrics.jsonl").read_bytes())

    of_disk = json.loads(run(eval_command, "here", *test, "--json"))
    of_store = json.loads(run(eval_command, memory, *test, "--json"))
    for found in (of_disk, of_store):
        place = found.pop("run")
        assert all(name.startswith(f"{place}/evaluations/") for name in found.pop("files"))
        assert found["kept"].startswith(place)
        found["kept"] = found["kept"].removeprefix(place)
    assert of_store == of_disk
    run(report_command, "here")
    # of checkpoints a store has the last one only
    older = {"checkpoints/previous.pt", "checkpoints/best.pt"}
    assert names_in(memory) == names_of(here) - older

    there_too, as_here = (
        run(eval_command, "--summary", place, "--json") for place in (memory, "here")
    )
    assert json.loads(there_too.replace(memory, "here")) == json.loads(as_here)
    named = f"{memory}{of_store['kept']}"
    assert "clips" in run(report_command, named, "--out", "page.html")
    assert memory in Path("page.html").read_text()
    assert tempfile.gettempdir() not in Path("page.html").read_text()
    assert list(Path(tempfile.gettempdir()).glob("lrcn-own-*")) == []


def test_a_run_in_a_store_is_calibrated_and_thrown_away(
    make_data_set: MakeDataSet, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train, val = shards_of(make_data_set)[1::2]
    values = (*VALUES, "--shards", train, "--epochs", "1", "--out", memory)
    run(train_command, *values)
    before = RunFolder(memory).read("weights.safetensors")
    run(eval_command, memory, "--calibrate", "--shards", val, "--workers", "0")
    assert RunFolder(memory).read("weights.safetensors") != before
    assert any(name.startswith("evaluations/") for name in names_in(memory))

    mine = f"{memory}/mine.txt"
    remote_files.write(mine, b"not the run's")
    run(train_command, *values, "--fresh", "--no-pictures", "--seed", "1")
    left = {name for name in names_in(memory) if not name.startswith(("tensorboard/", ".lock"))}
    facts = {"config.toml", "metrics.jsonl", "run.json", "weights.safetensors"}
    assert left == {*facts, "checkpoints/last.pt", "mine.txt"}


def test_a_training_that_cannot_reach_its_store_ends_and_goes_on(
    make_data_set: MakeDataSet, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # without shards for validation the weights of every epoch are kept
    words = (*VALUES, *shards_of(make_data_set)[:2], "--epochs", "3")
    run(train_command, *words, "--out", "here")
    upload, weights_put = remote_files.upload, 0

    def gone_at_the_second_epoch(file: Path, url: str) -> None:
        nonlocal weights_put
        weights_put += url.endswith("weights.safetensors")
        if weights_put > 1:
            raise OSError(5, "the store has gone")
        upload(file, url)

    with monkeypatch.context() as patch:
        patch.setattr(remote_files, "upload", gone_at_the_second_epoch)
        done = CliRunner().invoke(train_command, [*words, "--out", memory])
    assert isinstance(done.exception, LrcnError)
    assert f"{memory} can't be written: the store has gone" in str(done.exception)
    # the checkpoint goes after the weights of its epoch
    with RunFolder(memory).local_file("checkpoints/last.pt") as checkpoint:
        assert load_checkpoint(checkpoint)["progress"]["epoch"] == 1
    run(train_command, *words, "--out", memory)
    there = RunFolder(memory).read("weights.safetensors")
    assert there == Path("here/weights.safetensors").read_bytes()


@pytest.mark.long
@pytest.mark.promise(
    21, "into a bucket of moto's, of whose requests 2 % go wrong; kill -9 after a checkpoint"
)
def test_a_training_into_a_bucket_that_is_killed_ends_as_one_never_killed(
    make_data_set: MakeDataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tally: Any,
    count: Any,
    each: Any,
) -> None:
    words = [*VALUES, *shards_of(make_data_set), "--epochs", "6", "--checkpoint-every", "2"]
    run(train_command, *words, "--out", str(tmp_path / "whole"))
    expected = facts_of(RunFolder(tmp_path / "whole"))
    command = [sys.executable, "-m", "lrcn_cli.train", *words]
    kills = count(1, 5)

    def chain(number: int) -> None:
        """Kill the training of one run so often, then let it end."""
        url = f"s3://bucket/run-{number}"
        for kill in range(kills):
            training = subprocess.Popen([*command, "--out", url], stderr=subprocess.DEVNULL)
            wait_for_a_checkpoint(url, training)
            time.sleep(0.03 * (number + kill))
            training.kill()
            assert training.wait() == -signal.SIGKILL, "it has ended before"
        done = subprocess.run([*command, "--out", url], capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        same = facts_of(RunFolder(url)) == expected
        for _ in range(kills):
            tally.add(None if same else f"{url}: other losses or weights")

    with serve_moto(tmp_path / "moto") as endpoint, faulty_proxy(endpoint) as proxy:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": proxy.endpoint}.items():
            monkeypatch.setenv(name, value)
        proxy.rate = 0.02
        each(chain, range(count(1, 4)), at_once=4)
    tally.check(tally.tried)


def facts_of(folder: RunFolder) -> tuple[bytes, list[dict[str, Any]]]:
    """The weights of a run, and what its metrics.jsonl says."""
    return folder.read("weights.safetensors"), lines(folder.read("metrics.jsonl"))


def wait_for_a_checkpoint(url: str, training: subprocess.Popen[bytes]) -> None:
    """Wait until a training has put another checkpoint into its run."""

    def checkpoint() -> bytes:
        try:
            return remote_files.read(f"{url}/checkpoints/last.pt")[0]
        except FileNotFoundError:
            return b""

    before, deadline = checkpoint(), time.monotonic() + 120
    while training.poll() is None and checkpoint() == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_second_training_is_not_let_into_a_run_in_a_bucket(
    make_data_set: MakeDataSet, memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with RunFolder(memory).lock():
        done = CliRunner().invoke(
            train_command, [*VALUES, *shards_of(make_data_set), "--epochs", "1", "--out", memory]
        )
    assert "another run is writing there" in str(done.exception)
    assert names_in(memory) == {".lock"}
