"""Data sets and runs in stores: fsspec's memory within this process, and a real S3 server."""

from __future__ import annotations

import json
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import fsspec
import pytest
from click.testing import CliRunner
from lrcn_cli.data_index import command as index_command
from lrcn_cli.data_lists import command as lists_command
from lrcn_cli.data_preview import command as preview_command
from lrcn_cli.data_shard import command as shard_command
from lrcn_cli.data_stats import command as stats_command
from lrcn_cli.data_verify import command as verify_command

from lrcn_data.errors import UsageError
from tests.commands import call

MakeDataSet = Callable[..., Path]


def run(command: click.Command, *arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def files_of(folder: Path) -> dict[str, bytes]:
    """What a folder on this machine holds, but for its lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def files_in(store: Any, folder: str) -> dict[str, bytes]:
    """What a folder in a store holds, but for its locks."""
    return {
        name.removeprefix(f"{folder}/"): store.cat_file(name)
        for name in (found.lstrip("/") for found in store.find(folder))
        if not name.startswith(f"{folder}/.lock")
    }


@pytest.fixture
def memory() -> Iterator[str]:
    """The name of a folder in fsspec's memory."""
    name = f"stores-{secrets.token_hex(4)}"
    yield name
    if fsspec.filesystem("memory").exists(name):
        fsspec.filesystem("memory").rm(name, recursive=True)


def test_a_data_set_in_memory_is_the_one_on_the_disk(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    url = f"memory://{memory}"
    for out in ("shards", url):
        run(shard_command, "--workers", "0", "--out", out)
        run(stats_command, out)
    store = fsspec.filesystem("memory")
    assert files_in(store, memory) == files_of(video_lists / "shards")

    assert run(verify_command, url, "--deep", "--inputs") == f"{url}: no faults\n"
    assert "clips" in run(preview_command, url, "--out", "sheet.png")
    again = run(shard_command, "--workers", "0", "--out", url)
    assert "(0 written now)" in again

    store.rm(f"{memory}/.meta", recursive=True)
    assert f"{url}/.meta/train.npy" in run(index_command, url)
    assert run(verify_command, url) == f"{url}: no faults\n"


def test_failed_videos_are_tried_again_in_memory(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    run(shard_command, "--workers", "0")
    video = video_lists / "class0/clip 0.avi"
    good = video.read_bytes()
    video.write_bytes(b"no video")
    run(shard_command, "--workers", "0", "--out", f"memory://{memory}")
    video.write_bytes(good)
    run(shard_command, "--workers", "0", "--out", f"memory://{memory}", "--retry-failed")
    assert files_in(fsspec.filesystem("memory"), memory) == files_of(video_lists / "shards")


def put_videos(video_lists: Path, store: Any, folder: str) -> None:
    """Put all videos and lists into a store."""
    for path in video_lists.rglob("*"):
        if path.is_file() and "shards" not in path.parts:
            store.pipe_file(f"/{folder}/{path.relative_to(video_lists)}", path.read_bytes())


def test_videos_and_lists_are_read_from_a_store(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    put_videos(video_lists, store, memory)
    monkeypatch.chdir(video_lists)
    run(shard_command, "--workers", "0")
    lists = {path.stem: path for path in video_lists.glob("t*.txt")}
    elsewhere = video_lists / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    named = [word for split in lists for word in (f"--{split}", f"{url}/{split}.txt")]
    run(shard_command, "--workers", "0", *named, "--root", url)
    assert files_of(elsewhere / "shards") == files_of(video_lists / "shards")

    # a list on this machine may have URLs as well
    for split, path in lists.items():
        lines = path.read_text().splitlines()
        (elsewhere / f"{split}.txt").write_text("\n".join(f"{url}/{line}" for line in lines))
    run(shard_command, "--workers", "0", "--out", "by-url", "--classes", f"{url}/classes.txt")
    manifests = [
        json.loads(Path(name, "dataset.json").read_text()) for name in ("by-url", "shards")
    ]
    # the order of entries follows from their paths, and so do the shards
    clips = [sum(shard["samples"] for shard in manifest["shards"]) for manifest in manifests]
    assert clips[0] == clips[1] > 0


@pytest.mark.parametrize("more", [("--test-fraction", "0.3"), ("--folds", "3")])
def test_lists_of_a_store_are_those_of_the_disk(
    video_lists: Path, memory: str, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    for name in ("class0/notes.doc", "class1/.hidden/a.avi", "class0/.b.avi"):
        (video_lists / name).parent.mkdir(exist_ok=True)
        (video_lists / name).write_bytes(b"x")
    put_videos(video_lists, store, memory)
    monkeypatch.chdir(video_lists)
    here = run(lists_command, ".", *more, "--out", "made")
    there = run(lists_command, url, *more, "--out", f"{url}/made")
    assert "1 hidden folders (class1/.hidden 1)" in there
    counts = r"made/\S+: .* videos\b"
    assert re.findall(counts, there) == re.findall(counts, here) != []
    assert files_in(store, f"{memory}/made") == files_of(video_lists / "made")
    with pytest.raises(UsageError, match=r"/made has .* already"):
        run(lists_command, url, *more, "--out", f"{url}/made")


def test_an_annotation_of_a_store_is_that_of_the_disk(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    # the last phase lasts to the end of the video, which its file tells
    for name, table in {
        "clip 1": "frame,phase\n0,a\n9,b\n",
        "clip 2": "frame,phase\n0,b\n",
    }.items():
        Path("phases").mkdir(exist_ok=True)
        Path("phases", f"{name}.csv").write_text(table)
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    put_videos(video_lists, store, memory)
    run(lists_command, "phases", "--videos", ".", "--out", "made")
    run(lists_command, f"{url}/phases", "--videos", url, "--out", f"{url}/made")
    assert files_in(store, f"{memory}/made") == files_of(video_lists / "made")


def test_the_inputs_and_the_rejected_videos_are_looked_at_in_a_store(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    put_videos(video_lists, store, memory)
    run(shard_command, "--workers", "0", "--root", url)
    verify = ("shards", "--inputs", "--root", url)
    assert run(verify_command, *verify) == "shards: no faults\n"
    store.pipe_file(f"/{memory}/class1/clip 1.mp4", b"another")
    changed = CliRunner().invoke(verify_command, verify)
    assert "class1/clip 1.mp4: has 7 bytes, had" in changed.output


def test_a_video_that_a_store_does_not_give_is_rejected_with_a_reason(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrcn_data.storage import remote_files

    monkeypatch.chdir(video_lists)
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    put_videos(video_lists, store, memory)
    gone, failing, large, *_ = (
        line.rsplit(" ", 1)[0] for line in Path("train.txt").read_text().splitlines()
    )
    fetch = remote_files.fetch

    def faulty(place: str, to: Any, *, most: int, **more: Any) -> int:
        if place.endswith(gone):
            store.rm_file(f"/{memory}/{gone}")
        if place.endswith(failing):
            raise OSError(5, "the store has gone")
        return fetch(place, to, most=10 if place.endswith(large) else most, **more)

    monkeypatch.setattr(remote_files, "fetch", faulty)
    words = ("--workers", "0", "--root", url, "--max-bad-fraction", "1")
    run(shard_command, *words)
    lines = map(json.loads, Path("shards/rejected.jsonl").read_text().splitlines())
    found = {line["path"]: (line["reason"], line["detail"]) for line in lines}
    assert found[gone] == ("missing", "there is no file of that name in the store")
    assert found[failing] == ("not-fetched", "the store has gone")
    assert found[large] == ("too-large", "it has more than 10 bytes")
    again = CliRunner().invoke(shard_command, words)
    assert f"no such file: {url}/{gone}" in str(again.exception).replace("'", "")


def grow(folder: Path, *, to: int) -> None:
    """Leave the first lines of the train list in it, of those that `whole.txt` keeps."""
    kept = folder / "whole.txt"
    if not kept.exists():
        kept.write_text((folder / "train.txt").read_text())
    lines = kept.read_text().splitlines(keepends=True)
    (folder / "train.txt").write_text("".join(lines[:to]))


def test_videos_are_appended_in_memory(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    url = f"memory://{memory}"
    for lines in (12, 16, 20):
        grow(video_lists, to=lines)
        for out in ("shards", url):
            more = ("--append",) if lines > 12 else ()
            run(shard_command, "--workers", "0", "--out", out, *more)
    store = fsspec.filesystem("memory")
    assert files_in(store, memory) == files_of(video_lists / "shards")
    assert run(verify_command, url, "--deep", "--inputs") == f"{url}: no faults\n"
    again = run(shard_command, "--workers", "0", "--out", url, "--append")
    assert "there is nothing to append" in again
    store.rm(f"{memory}/.meta", recursive=True)
    assert f"{url}/.meta/train.npy" in run(index_command, url)
    assert run(verify_command, url) == f"{url}: no faults\n"


def test_an_append_in_memory_that_was_stopped_while_it_moved_in_goes_on(
    video_lists: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrcn_data.storage import remote_files

    monkeypatch.chdir(video_lists)
    url, store = f"memory://{memory}", fsspec.filesystem("memory")
    for out in ("shards", url):
        grow(video_lists, to=12)
        run(shard_command, "--workers", "0", "--out", out)
        grow(video_lists, to=20)
        if out == "shards":
            run(shard_command, "--workers", "0", "--append")
    move = remote_files.move

    def stopped(source: str, to: str) -> None:
        move(source, to)
        # as where a store has copied a file, and not yet deleted the first one
        store.copy(to.removeprefix("memory:/"), source.removeprefix("memory:/"))
        raise OSError(5, "the store has gone")

    with monkeypatch.context() as patch:
        patch.setattr(remote_files, "move", stopped)
        done = CliRunner().invoke(shard_command, ["--workers", "0", "--append", "--out", url])
    assert "the store has gone" in str(done.exception)
    assert len(files_in(store, f"{memory}/.append")) > 5
    run(shard_command, "--workers", "0", "--append", "--out", url)
    assert files_in(store, memory) == files_of(video_lists / "shards")


def test_training_reads_a_data_set_scoring_a_run_and_predicting_videos_in_memory(
    make_data_set: MakeDataSet,
    write_video: Callable[..., None],
    memory: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    from lrcn_cli.evaluate import command as eval_command
    from lrcn_cli.predict import command as predict_command
    from lrcn_cli.train import command as train_command

    monkeypatch.chdir(tmp_path)
    store = fsspec.filesystem("memory")
    store.put(str(make_data_set()), f"/{memory}/shards", recursive=True)
    shards, small = f"memory://{memory}/shards", ("--size", "32x32", "--cnn", "small")
    run(train_command, "--shards", shards, "--epochs", "1", "--out", "run", *small)
    store.put(str(tmp_path / "run"), f"/{memory}/run", recursive=True)
    here = run(eval_command, "run", "--shards", shards, "--json")
    there = run(eval_command, f"memory://{memory}/run", "--shards", shards, "--json")
    here, there = json.loads(here), json.loads(there)
    kept = f"memory://{memory}/{here.pop('kept')}"
    assert there == {**here, "run": f"memory://{memory}/run", "kept": kept}

    write_video("videos/class0/a.avi", frames=30)
    write_video("videos/b.mp4", frames=30)
    store.put(str(tmp_path / "videos"), f"/{memory}/videos", recursive=True)
    predict = ["run", "videos", "--json"]
    of_disk = [json.loads(line) for line in run(predict_command, *predict).splitlines()]
    predict[:2] = [f"memory://{memory}/{name}" for name in predict[:2]]
    of_store = [json.loads(line) for line in run(predict_command, *predict).splitlines()]
    names = [found.pop("video") for found in of_disk]
    assert [found.pop("video") for found in of_store] == [
        f"memory://{memory}/{name}" for name in names
    ]
    assert of_store == of_disk
    assert len(of_disk) == 2
    assert list(Path(tempfile.gettempdir()).glob("lrcn-video-*")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("data", "preview", "--out", "s3://bucket/sheet.png"),
        ("data", "demo", "s3://bucket/demo"),
        ("predict", "run", "clip.avi", "--vtt", "s3://bucket/clip.vtt"),
        ("evaluate", "run", "--shards", "shards", "--csv", "s3://bucket/scores.csv"),
        ("search", "s3://bucket/search.toml"),
    ],
)
def test_what_cannot_be_done_on_a_url_is_refused_in_one_line(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    said = call(*words, folder=tmp_path, code=2).stderr
    assert said.strip().count("\n") <= 1
    assert re.search(r"s3://bucket/\S+ is a URL", said)
    assert list(tmp_path.iterdir()) == []


def lrcn(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == code, done.stderr
    return done


def test_what_would_vanish_with_the_command_is_refused(video_lists: Path) -> None:
    done = lrcn("lrcn_cli.data", "shard", "--out", "memory://shards", cwd=video_lists, code=2)
    assert "memory://shards would vanish when this command ends" in done.stderr


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of an S3 server in a process of its own."""
    pytest.importorskip("moto", reason="pip install 'moto[server]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store with a bucket named `bucket`, which is empty."""
    pytest.importorskip("s3fs", reason="pip install s3fs")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3_server,
    }.items():
        monkeypatch.setenv(name, value)
    store = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    deadline = time.monotonic() + 60
    while True:
        try:
            store.mkdir("bucket")
            break
        except Exception:  # it has not started yet
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield store
    store.rm("bucket", recursive=True)


@pytest.mark.slow
def test_a_data_set_and_a_run_in_a_bucket(video_lists: Path, s3: Any) -> None:
    pytest.importorskip("torch")
    url = "s3://bucket/a folder/shards"
    lrcn("lrcn_cli.data", "shard", cwd=video_lists)
    lrcn("lrcn_cli.data", "stats", cwd=video_lists)
    lrcn("lrcn_cli.data", "shard", "--out", url, cwd=video_lists)
    lrcn("lrcn_cli.data", "stats", url, cwd=video_lists)
    assert files_in(s3, "bucket/a folder/shards") == files_of(video_lists / "shards")
    assert "no faults" in lrcn("lrcn_cli.data", "verify", url, "--deep", cwd=video_lists).stderr
    lrcn("lrcn_cli.data", "preview", f"{url}/train-*.tar", "--out", "p.png", cwd=video_lists)

    training = ("lrcn_cli.train", "--epochs", "1", "--size", "32x32", "--cnn", "small")
    lrcn(*training, "--shards", f"{url}/train-*.tar", "--out", "run", cwd=video_lists)
    call(
        "train",
        *training[1:],
        "--shards",
        "shards/train-*.tar",
        "--out",
        "same",
        folder=video_lists,
    )
    # the format has no times in it, so that equal trainings have equal weights
    weights = [(video_lists / run / "weights.safetensors").read_bytes() for run in ("run", "same")]
    assert weights[0] == weights[1]
    s3.put(str(video_lists / "run"), "bucket/run", recursive=True)
    scored = lrcn("lrcn_cli.evaluate", "s3://bucket/run", "--shards", url, cwd=video_lists).stdout
    assert re.search(r"videos scored +│ +10 ", scored)
    predicted = lrcn("lrcn_cli.predict", "s3://bucket/run", "class0/clip 0.avi", cwd=video_lists)
    assert "class0" in predicted.stdout

    missing = lrcn("lrcn_cli.data", "shard", "--out", "s3://bukket/x", cwd=video_lists, code=1)
    assert "The specified bucket does not exist" in missing.stderr


@pytest.mark.slow
def test_videos_are_appended_in_a_bucket(video_lists: Path, s3: Any) -> None:
    for out in ("shards", "s3://bucket/shards"):
        for lines in (12, 20):
            grow(video_lists, to=lines)
            more = ("--append",) if lines > 12 else ()
            lrcn("lrcn_cli.data", "shard", "--out", out, *more, cwd=video_lists)
    assert files_in(s3, "bucket/shards") == files_of(video_lists / "shards")
    assert "no faults" in lrcn("lrcn_cli.data", "verify", out, cwd=video_lists).stderr


@pytest.mark.slow
def test_a_run_into_a_bucket_that_was_killed_goes_on(video_lists: Path, s3: Any) -> None:
    lrcn("lrcn_cli.data", "shard", cwd=video_lists)
    command = [sys.executable, "-m", "lrcn_cli.data", "shard", "--out", "s3://bucket/shards"]
    killed = subprocess.Popen([*command, "--workers", "1"], cwd=video_lists)
    while not s3.exists("bucket/shards/.meta/train-000.json"):
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert s3.cat_file("bucket/shards/.lock")  # of a dead owner, whom nobody hears of
    lrcn("lrcn_cli.data", "shard", "--out", "s3://bucket/shards", cwd=video_lists)
    assert files_in(s3, "bucket/shards") == files_of(video_lists / "shards")
