"""Buckets on two real servers of S3, behind a proxy that lets a part of the requests go wrong."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import LrcnError, ShardError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder, WrittenShard
from lrcn_data.format.file_names import ShardFiles
from lrcn_data.format.manifest import Manifest
from lrcn_data.format.records import ShardEntry
from lrcn_data.format.shard_reader import find_shards, open_data_set
from lrcn_data.making.make_shards import make_shards
from lrcn_data.storage import bucket_store, remote_files
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.lease import lease, part_lease
from tests.bucket_servers import CREDENTIALS, SERVERS, Server
from tests.commands import call
from tests.conftest import MakeDataSet
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy

pytest.importorskip("obstore", reason="pip install obstore")

SHORT = {"renew_every": 0.05, "watch_for": 0.6}


@pytest.fixture(
    scope="module",
    params=["moto", "rclone", pytest.param("azurite", marks=pytest.mark.long)],
)
def kind(request: pytest.FixtureRequest) -> Server:
    """Each kind of server."""
    return SERVERS[request.param]


@pytest.fixture(scope="module")
def server(kind: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyProxy]:
    """The proxy in front of each kind of server."""
    folder = tmp_path_factory.mktemp("served")
    with kind.serve(folder / "store") as endpoint, faulty_proxy(endpoint) as proxy:
        yield proxy


@pytest.fixture
def proxy(
    server: FaultyProxy, kind: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyProxy]:
    """The proxy as the endpoint of the store, with nothing going wrong yet."""
    for name, value in kind.environment(server.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket_store, "_PAUSES", (0.02,) * 8)
    monkeypatch.setattr(bucket_store, "_FIRST_PAUSE", timedelta(milliseconds=10))
    server.rate, server.faults = 0.0, tuple(Fault)
    yield server
    server.rate = 0.0


@pytest.fixture
def conditional(proxy: FaultyProxy, kind: Server) -> FaultyProxy:
    """The proxy in front of servers that know conditional writes."""
    if not kind.conditional:
        pytest.skip("rclone serve s3 ignores the conditions of a write")
    return proxy


@pytest.fixture
def moto(proxy: FaultyProxy, kind: Server) -> FaultyProxy:
    """The proxy in front of moto, for what is of S3 alone."""
    if kind is not SERVERS["moto"]:
        pytest.skip("it is about S3, and tried with moto")
    return proxy


def test_what_is_done_through_faults_is_done_once(
    proxy: FaultyProxy, kind: Server, tmp_path: Path
) -> None:
    folder, elsewhere = Folder(f"{kind.bucket}/a folder"), Folder(f"{kind.bucket}/elsewhere")
    large = random.Random(0).randbytes(9 << 20)  # sent in two parts
    proxy.rate = 0.12
    held: dict[str, bytes] = {}
    for number in range(5):
        name = f"{number} ü#%.bin"
        held[name] = os.urandom(number)
        folder.write(name, held[name])
        (tmp_path / "new").write_bytes(held[name])
        assert folder.put_new(f"new-{number}", tmp_path / "new")
        held[f"new-{number}"] = held[name]
    (tmp_path / "large").write_bytes(large)
    folder.put("large", tmp_path / "large")
    assert folder.names() == sorted([*held, "large"])
    assert {name: folder.read(name) for name in held} == held
    assert [folder.size(name) for name in ("large", "4 ü#%.bin", "none")] == [9 << 20, 4, None]
    with folder.open("large") as file:
        assert file.read() == large
    ranges = [(5, 100), (8 << 20, 3), (200, 9), (0, 0)]
    assert remote_files.read_ranges(folder.at("large"), ranges) == [
        large[offset : offset + length] for offset, length in ranges
    ]
    for name in [*held]:
        if name.startswith("new-"):
            folder.delete(name)
        else:
            folder.move(name, elsewhere)
    assert folder.names() == ["large"]
    assert elsewhere.names() == sorted(name for name in held if not name.startswith("new-"))
    assert elsewhere.read("3 ü#%.bin") == held["3 ü#%.bin"]
    elsewhere.remove()
    folder.remove()
    assert remote_files.find(f"{kind.bucket}") == {}
    assert sum(proxy.met[fault] for fault in Fault) > 3


def test_a_data_set_is_made_and_read_through_faults(
    proxy: FaultyProxy, kind: Server, video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    lines = Path("train.txt").read_text().splitlines()
    Path("few.txt").write_text("\n".join(lines[::4]))
    values: dict[str, Any] = {"train": "few.txt", "videos_per_shard": 3, "workers": 0}
    values |= {"fps": 5, "seq_len": 4, "classes": "classes.txt", "max_bad_fraction": 1}
    make_shards("local", **values)
    url = f"{kind.bucket}/made"
    proxy.rate = 0.1
    assert [make_shards(url, part=part, **values).complete for part in ("1/2", "2/2")] == [
        False,
        True,
    ]
    here, there = open_data_set("local"), open_data_set(url)
    numbers = list(range(len(here)))
    assert there.read_samples(numbers) == [
        replace(sample, shard=there.shards[here.locate(number)[0]].location)
        for number, sample in enumerate(here.read_samples(numbers))
    ]
    proxy.rate = 0.0
    store = Folder(url)
    made = {name: store.read(name) for name in remote_files.find(url) if ".lock" not in name}
    assert made == {
        str(path.relative_to("local")): path.read_bytes()
        for path in Path("local").rglob("*")
        if path.is_file() and path.name != ".lock"
    }
    store.remove()


def test_shards_are_listed_not_asked_for_one_by_one(proxy: FaultyProxy) -> None:
    folder = DataSetFolder("s3://bucket/many")
    tar, sha256 = bytes(1024), "0" * 64
    names = [f"train-{number:03d}.tar" for number in range(30)]
    for name in names:
        folder.write(name, tar)
    shards = [
        ShardEntry(file=name, split="train", samples=0, bytes=1024, sha256=sha256) for name in names
    ]
    folder.write_manifest(
        Manifest(options={"seq_len": 1, "fps": 5}, classes=["a", "b"], shards=shards)
    )
    for pattern in ("s3://bucket/many", "s3://bucket/many/train-{000..029}.tar"):
        proxy.met.clear()
        found = find_shards(pattern)
        assert [shard.entry for shard in found.shards] == shards
        assert proxy.met["HEAD"] + proxy.met["GET"] < 8
    folder.delete(names[7])
    with pytest.raises(ShardError, match=r"train-007\.tar is not there"):
        find_shards("s3://bucket/many")
    folder.remove()


LOADED = "import pickle, sys; print(len(pickle.load(sys.stdin.buffer)))"
"""The program of a process that is given a data set, as the workers of a training are."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_processes_that_are_given_a_data_set_share_its_copy_of_the_index(
    proxy: FaultyProxy, make_data_set: MakeDataSet
) -> None:
    folder = make_data_set(samples={"train": [2, 3]})
    store = DataSetFolder("s3://bucket/shared")
    for path in folder.rglob("*"):
        if path.is_file():
            store.write(str(path.relative_to(folder)), path.read_bytes())
    data_set = open_data_set(store.location)
    # so that whoever fetches it once more can't read it
    store.write(".meta/train.npy", b"no index")
    for _ in range(2):
        command = [sys.executable, "-c", LOADED]
        done = subprocess.run(command, input=pickle.dumps(data_set), capture_output=True)
        assert (done.stdout, done.returncode) == (b"5\n", 0), done.stderr.decode()
    with pytest.raises(ShardError, match=r"train\.npy can't be read"):
        open_data_set(store.location)
    alone = pickle.dumps(data_set)
    del data_set
    with pytest.raises(ShardError, match=r"train\.npy can't be read"):
        pickle.loads(alone)
    store.remove()


@pytest.mark.parametrize("before", [None, b"of a dead owner"])
def test_of_several_that_come_in_the_same_moment_one_gets_the_lock(
    conditional: FaultyProxy, kind: Server, before: bytes | None
) -> None:
    folder = Folder(f"{kind.bucket}/{before is None}")
    if before:
        folder.write(".lock", before)
    together, over = threading.Barrier(6), threading.Event()

    def hold(number: int) -> bool:
        together.wait()
        try:
            with lease(folder.location, **SHORT):
                return over.wait(20)
        except LrcnError:
            return False

    conditional.rate, conditional.faults = 0.1, (Fault.ERROR_AFTER, Fault.CUT_AFTER)
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(hold, number) for number in range(6)]
        while sum(one.done() for one in done) < 5:
            time.sleep(0.02)
        over.set()
        assert sorted(one.result() for one in done) == [False] * 5 + [True]
    conditional.rate = 0.0
    assert folder.read(".lock") == b""


def test_parts_hold_off_the_whole_run_and_it_them(conditional: FaultyProxy, kind: Server) -> None:
    folder = f"{kind.bucket}/parts"
    with ExitStack() as held:
        for part in (0, 1):
            held.enter_context(part_lease(folder, part, **SHORT))
        for refused in (lease(folder, **SHORT), part_lease(folder, 1, **SHORT)):
            with pytest.raises(LrcnError, match="another run is writing there"), refused:
                pass
    with (
        lease(folder, **SHORT),
        pytest.raises(LrcnError, match="another run is writing there"),
        part_lease(folder, 2, **SHORT),
    ):
        pass


def test_one_part_finishes_at_a_time(conditional: FaultyProxy, kind: Server) -> None:
    at_work: list[int] = []

    # the answer to giving the lock up may come when another part has it already
    conditional.rate, conditional.faults = 0.3, (Fault.ERROR_AFTER, Fault.CUT_AFTER)

    def finish(part: int) -> None:
        with part_lease(f"{kind.bucket}/finish", part, **SHORT) as finishing, finishing():
            at_work.append(part)
            assert len(at_work) == 1
            time.sleep(0.05)
            at_work.remove(part)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(finish, range(3)))


def written(make_data_set: MakeDataSet, folder: Path, seed: int) -> WrittenShard:
    """A shard that is finished and not yet in its place."""
    made = make_data_set(
        f"{folder.name}-{seed}", samples={"train": [3]}, seed=seed, own_arrays=True
    )
    record = DataSetFolder(made).read_record("train-000")
    assert record is not None
    files = ShardFiles("train-000")
    names = (files.tar, files.dali_index, files.arrays, files.record)
    return WrittenShard(name="train-000", record=record, files={n: made / n for n in names})


def test_a_shard_that_is_there_is_not_put_again(
    conditional: FaultyProxy, kind: Server, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = DataSetFolder(f"{kind.bucket}/again")
    folder.put_shard(written(make_data_set, tmp_path, 1))
    puts = conditional.met["PUT"]
    again = written(make_data_set, tmp_path / "again", 1)
    folder.put_shard(again)
    assert conditional.met["PUT"] == puts
    assert not any(path.exists() for path in again.files.values())


def test_of_two_shards_of_a_name_neither_is_taken_for_the_other(
    conditional: FaultyProxy, kind: Server, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    first, second = (written(make_data_set, tmp_path, seed) for seed in (1, 2))

    class Slow(DataSetFolder):
        """A folder of a process that another one overtakes before it writes the record."""

        def put_new(self, name: str, temporary: Path) -> bool:
            DataSetFolder(self.location).put_shard(first)
            return super().put_new(name, temporary)

    folder = Slow(f"{kind.bucket}/two")
    with pytest.raises(LrcnError, match="two runs wrote this shard at the same time"):
        folder.put_shard(second)
    assert not folder.has(ShardFiles("train-000").record)  # so that it is made again


def test_a_server_that_is_gone_is_one_line(
    conditional: FaultyProxy, kind: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in kind.environment("http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket_store, "_PATIENCE", timedelta(seconds=0.1))
    with pytest.raises(
        ShardError, match=rf"{kind.bucket}/x can't be read: .*127.0.0.1:1/"
    ) as error:
        Folder(f"{kind.bucket}/x").names()
    assert "\n" not in str(error.value)
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in str(error.value)


def test_a_bucket_that_is_not_there_is_named(conditional: FaultyProxy, kind: Server) -> None:
    with pytest.raises(OSError, match=r"The specified (bucket|container) does not exist"):
        Folder(f"{kind.bucket}-x/y").write("a", b"")


def test_credentials_may_be_in_a_profile(
    moto: FaultyProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("botocore", reason="pip install s3fs")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(OSError, match="no credentials: set AWS_ACCESS_KEY_ID"):
        Folder("s3://bucket/x").write("a", b"")
    (tmp_path / "credentials").write_text(
        "[mine]\naws_access_key_id = somebody\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "mine")
    Folder("s3://bucket/x").write("a", b"by a profile")
    assert Folder("s3://bucket/x").read("a") == b"by a profile"


def test_a_forked_process_reads_too(moto: FaultyProxy) -> None:
    pytest.importorskip("s3fs", reason="pip install s3fs")
    folder = Folder("s3://bucket/forked")
    folder.write("a", b"0123456789")
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(folder.read_range("a", 3, 4) != b"3456")
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "url",
    [
        "s3://somebody:a-secret-of-tests@bucket/shards",
        "https://host/shards?X-Amz-Signature=a-secret-of-tests",
        "https://somebody:a-secret-of-tests@host/shards/train-*.tar?x=a-secret-of-tests",
    ],
)
def test_a_url_with_credentials_in_it_is_refused_without_saying_them(url: str) -> None:
    with pytest.raises(UsageError, match="has a password or a query") as error:
        Folder(url)
    assert "a-secret-of-tests" not in str(error.value)
    said = call("data", "shard", "--out", url, folder=Path.cwd(), code=2)
    assert "a-secret-of-tests" not in said.stdout + said.stderr


def test_what_a_store_says_is_cleaned_of_credentials() -> None:
    error = ValueError(
        "GET https://me:a-secret@host/x?sig=a-secret&se=1 failed\n\nDebug source: {}"
    )
    said = remote_files.in_one_line(error)
    assert said == "GET https://...@host/x?sig=...&se=... failed"
