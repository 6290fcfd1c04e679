"""Copies of a store's files on this machine: shared, right under kills, bounded."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import pytest

from lrcn_data.errors import ShardError, UsageError
from lrcn_data.format.shard_reader import open_data_set
from lrcn_data.storage import file_cache, remote_files
from lrcn_data.storage.file_cache import FileCache
from lrcn_data.storage.folder import Folder
from tests.conftest import MakeDataSet

SIZE = 3 << 20


class Stored:
    """Files of random bytes in fsspec's memory."""

    def __init__(self) -> None:
        self.url = f"memory://cached-{secrets.token_hex(4)}"
        self.content: dict[str, bytes] = {}

    def path_in(self, cache: FileCache, name: str) -> Path | None:
        """What the cache has of a file, which is made where that is needed."""
        if name not in self.content:
            self.content[name] = os.urandom(SIZE)
            Folder(self.url).write(name, self.content[name])
        sha256 = hashlib.sha256(self.content[name]).hexdigest()
        return cache.path_of(f"{self.url}/{name}", size=SIZE, sha256=sha256)


@pytest.fixture
def stored() -> Iterator[Stored]:
    files = Stored()
    yield files
    Folder(files.url).remove()


def in_a_process(work: Callable[[], object]) -> int:
    """Start a process that does some work and ends with 0, or with 1 where that raises."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def age(path: Path, seconds: float) -> None:
    """Have a file look as if it had been used last so long ago."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_processes_that_want_a_file_fetch_it_once(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, told = remote_files.fetch, tmp_path / "told"

    def telling(url: str, to: BinaryIO, *, most: int) -> int:
        with told.open("a") as file:
            file.write("x")
        time.sleep(0.2)
        return fetch(url, to, most=most)

    monkeypatch.setattr(remote_files, "fetch", telling)
    cache = FileCache(folder=tmp_path / "cache", most_bytes=1 << 30)
    Folder(stored.url).write("a", stored.content.setdefault("a", os.urandom(SIZE)))

    def read() -> None:
        path = stored.path_in(cache, "a")
        assert path is not None
        assert path.read_bytes() == stored.content["a"]

    children = [in_a_process(read) for _ in range(5)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 5
    assert told.read_text() == "x"
    assert names(cache.folder) == {hashlib.sha256(stored.content["a"]).hexdigest()}


def test_a_process_that_is_killed_while_it_fetches_leaves_nothing_wrong(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FileCache(folder=tmp_path / "cache", most_bytes=2 * SIZE)

    def die(url: str, to: BinaryIO, *, most: int) -> int:
        to.write(bytes(SIZE // 2))
        to.flush()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(remote_files, "fetch", die)
        for name in ("a", "b"):
            Folder(stored.url).write(name, stored.content.setdefault(name, os.urandom(SIZE)))
            child = in_a_process(lambda name=name: stored.path_in(cache, name))
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert {name[64:] for name in names(cache.folder)} == {".partial"}
    path = stored.path_in(cache, "a")
    assert path is not None
    assert path.read_bytes() == stored.content["a"]

    # what else the dead have left makes room for others
    for left in cache.folder.glob("*.partial"):
        age(left, 60)
    assert stored.path_in(cache, "c") is not None
    assert not list(cache.folder.glob("*.partial"))


def test_what_was_used_least_recently_makes_room(stored: Stored, tmp_path: Path) -> None:
    before = FileCache(folder=tmp_path / "cache", most_bytes=3 * SIZE)
    paths = [stored.path_in(before, name) for name in "abc"]
    for path, seconds in zip(paths, (30, 40, 20), strict=True):
        assert path is not None
        age(path, seconds)
    cache = FileCache(folder=tmp_path / "cache", most_bytes=3 * SIZE)
    assert stored.path_in(cache, "b") == paths[1]  # used again
    assert stored.path_in(cache, "d") is not None
    assert [path is not None and path.exists() for path in paths] == [False, True, True]


def test_what_is_in_use_is_not_removed_for_more_of_it(stored: Stored, tmp_path: Path) -> None:
    cache = FileCache(folder=tmp_path / "cache", most_bytes=2 * SIZE)
    time.sleep(0.02)  # the kernel's clock for files is some milliseconds behind
    kept = [stored.path_in(cache, name) for name in "abcd"]
    assert [path is not None for path in kept] == [True, True, False, False]
    assert [stored.path_in(cache, name) for name in "abcd"] == kept


def test_a_full_disk_is_as_no_room(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FileCache(folder=tmp_path / "cache", most_bytes=1 << 40)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for where, name in ((os, "posix_fallocate"), (remote_files, "fetch")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, full)
            assert stored.path_in(cache, "a") is None
        assert names(cache.folder) == set()
    assert stored.path_in(cache, "a") is not None


def test_a_file_that_is_not_what_the_manifest_says_is_not_kept(
    stored: Stored, tmp_path: Path
) -> None:
    cache = FileCache(folder=tmp_path / "cache", most_bytes=1 << 30)
    stored.path_in(cache, "a")
    for data in (os.urandom(SIZE), os.urandom(SIZE - 1), os.urandom(SIZE + 1)):
        Folder(stored.url).write("b", data)
        stored.content["b"] = os.urandom(SIZE)
        with pytest.raises(ShardError, match=r"/b (is not what|can't be fetched)"):
            stored.path_in(cache, "b")
    assert len(names(cache.folder)) == 1


def test_by_default_a_tenth_of_the_disk_stays_free(tmp_path: Path) -> None:
    cache = FileCache.of(tmp_path / "cache", None)
    assert 0 <= cache.most_bytes < file_cache.shutil.disk_usage(tmp_path).total * 0.9
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="can't be made"):
        FileCache.of(tmp_path / "file" / "cache", None)


def test_a_data_set_is_read_from_the_cache_once_it_is_there(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_data_set(samples={"train": [5, 4, 3]})
    name = f"cached-{secrets.token_hex(4)}"
    fsspec.filesystem("memory").put(str(local), f"/{name}", recursive=True)
    here = open_data_set(str(local))
    cache = FileCache(folder=tmp_path / "cache", most_bytes=1 << 30)
    there = open_data_set(f"memory://{name}", cache=cache)
    numbers = [*range(0, 12, 2), *range(1, 12, 2)]
    read = [sample.frames for sample in there.read_samples(numbers)]
    assert read == [here.read_sample(number).frames for number in numbers]
    assert names(cache.folder) == {shard.entry.sha256 for shard in here.shards}

    for function in ("fetch", "read_ranges"):
        monkeypatch.delattr(remote_files, function)
    assert [there.read_bytes(n) for n in numbers] == [here.read_bytes(n) for n in numbers]
    fsspec.filesystem("memory").rm(name, recursive=True)
