"""A folder on this machine and one in a store do the same."""

from __future__ import annotations

import os
import pickle
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.storage import lease as lease_module
from lrcn_data.storage import remote_files
from lrcn_data.storage.folder import Folder
from lrcn_data.storage.lease import lease


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    """A folder on this machine, and one in fsspec's memory."""
    if request.param == "local":
        yield Folder(tmp_path / "folder")
        return
    name = f"folder-{secrets.token_hex(4)}"
    yield Folder(f"memory://{name}")
    memory = fsspec.filesystem("memory")
    if memory.exists(name):
        memory.rm(name, recursive=True)


def test_what_is_written_is_read_listed_and_deleted(folder: Folder) -> None:
    assert folder.names() == []
    assert folder.sizes() == {}
    folder.make("inside")
    folder.write("b.bin", b"0123456789")
    folder.write("inside/c.bin", b"")
    folder.write("a.bin", b"x")
    folder.write("a.bin", b"yz")
    assert [name for name in folder.names() if name != "inside"] == ["a.bin", "b.bin"]
    assert folder.names("inside") == ["c.bin"]
    assert folder.names("elsewhere") == []
    assert folder.read("a.bin") == b"yz"
    assert folder.read_range("b.bin", 3, 4) == b"3456"
    assert folder.read_range("b.bin", 8, 9) == b"89"
    assert [folder.size(name) for name in ("a.bin", "inside/c.bin", "none")] == [2, 0, None]
    assert folder.sizes() == {"a.bin": 2, "b.bin": 10}
    with folder.open("b.bin") as file:
        assert file.read() == b"0123456789"
    folder.delete("a.bin")
    folder.delete("a.bin")
    assert not folder.has("a.bin")


def test_what_is_not_there_is_not_found(folder: Folder) -> None:
    folder.make()
    for read in (folder.read, folder.open):
        with pytest.raises(FileNotFoundError):
            read("none")


def test_a_finished_file_is_put_in_its_place(folder: Folder) -> None:
    folder.make(".meta")
    with folder.scratch(".meta") as scratch:
        for name in ("a.tar", ".meta/a.json"):
            temporary = scratch / f"{Path(name).name}.1.partial"
            temporary.write_bytes(name.encode())
            folder.put(name, temporary)
            assert not temporary.exists()
        (scratch / "left.1.partial").touch()
    assert folder.read("a.tar") == b"a.tar"
    assert folder.names(".meta") == ["a.json"]
    assert not scratch.exists()


def write_and_fail(folder: Folder) -> None:
    with folder.create("a.bin") as file:
        file.write(b"half")
        raise ZeroDivisionError


def test_a_new_file_appears_only_when_its_block_ends_well(folder: Folder) -> None:
    folder.make()
    with pytest.raises(ZeroDivisionError):
        write_and_fail(folder)
    assert folder.names() == []
    with folder.create("a.bin") as file:
        file.write(b"whole")
        assert not folder.has("a.bin")
    assert folder.read("a.bin") == b"whole"


def test_a_file_can_be_had_on_this_machine(folder: Folder) -> None:
    folder.make()
    folder.write("a.bin", b"content")
    with folder.local_file("a.bin") as path:
        assert path.read_bytes() == b"content"
    assert path.exists() == folder.is_local


def test_a_folder_may_be_pickled_and_is_known_by_its_location(folder: Folder) -> None:
    folder.make()
    folder.write("a.bin", b"0123")
    copy = pickle.loads(pickle.dumps(folder))
    assert copy == folder
    assert len({copy, folder}) == 1
    assert copy.read_range("a.bin", 1, 2) == b"12"
    assert Folder(f"{folder}/") == folder


def test_only_one_at_a_time_holds_a_folder(folder: Folder) -> None:
    folder.make()
    if folder.is_local:  # a process may hold a lock of the kernel's twice
        return
    with (
        lease(folder.location, renew_every=0.05, watch_for=2),
        pytest.raises(LrcnError, match="another run is writing there"),
        lease(folder.location, renew_every=0.05, watch_for=2),
    ):
        pass
    assert folder.read(".lock") == b""


def test_a_part_begins_while_another_does_what_is_only_once(tmp_path: Path) -> None:
    for location in (str(tmp_path), f"memory://parts-{secrets.token_hex(4)}"):
        folder = Folder(location)
        with folder.lock_part(0) as alone, alone(), folder.lock_part(1):
            assert folder.names()
        with folder.lock():
            pass


def test_a_dead_owners_lock_is_taken_over() -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")
    folder.write(".lock", b"a word that nobody changes any more")
    with lease(folder.location, renew_every=0.05, watch_for=0.2):
        assert folder.read(".lock") != b"a word that nobody changes any more"
    assert folder.read(".lock") == b""


def test_of_two_that_find_no_lock_in_the_same_moment_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")
    look = lease_module._look

    def look_before_another_writes(url: str) -> lease_module._Lock:
        found = look(url)
        folder.write(".lock", b"the other's")
        return found

    monkeypatch.setattr(lease_module, "_look", look_before_another_writes)
    with pytest.raises(LrcnError, match="another run is writing there"), lease(folder.location):
        pass
    assert folder.read(".lock") == b"the other's"


def test_an_owner_that_has_slept_finds_out_whether_the_lock_is_still_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")
    now = lease_module._now

    def sleep_while_another_takes_it() -> None:
        # renewed by nobody but itself while the block runs
        with lease(folder.location, renew_every=50, watch_for=1) as still_held:
            texts = [folder.read(".lock")]
            for slept in (0, 200):
                monkeypatch.setattr(lease_module, "_now", lambda slept=slept: now() + slept)
                still_held()
                texts.append(folder.read(".lock"))
            assert texts[0] == texts[1] != texts[2]
            monkeypatch.setattr(lease_module, "_now", lambda: now() + 400)
            folder.write(".lock", b"another owner's")
            still_held()

    with pytest.raises(LrcnError, match="another run has taken it over"):
        sleep_while_another_takes_it()
    assert folder.read(".lock") == b"another owner's"


def test_an_owner_that_could_not_be_reached_notices_that_it_lost_the_lock() -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")

    def lose_it() -> None:
        with lease(folder.location, renew_every=0.05, watch_for=1) as still_held:
            still_held()
            folder.write(".lock", b"another owner's")
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                still_held()
                time.sleep(0.01)

    with pytest.raises(LrcnError, match="another run has taken it over"):
        lose_it()
    assert folder.read(".lock") == b"another owner's"


def test_a_store_that_is_not_known_or_not_installed_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"nothing://a/b is no URL that fsspec knows"):
        Folder("nothing://a").read("b")


def test_whatever_a_store_raises_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type(fsspec.filesystem("memory"))

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("no\ncredentials")

    monkeypatch.setattr(memory, "cat_file", fail)
    with pytest.raises(OSError, match="no credentials"):
        remote_files.read_range("memory://a/b", 0, 1)


def test_a_bucket_that_is_not_there_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type(fsspec.filesystem("memory"))
    made: list[str] = []

    def no_bucket(*args: object, **options: object) -> None:
        raise FileNotFoundError(2, "The specified bucket does not exist")

    monkeypatch.setattr(memory, "pipe_file", no_bucket)
    monkeypatch.setattr(memory, "makedirs", lambda *args, **options: made.append("made"))
    with pytest.raises(OSError, match="The specified bucket does not exist"):
        Folder(f"memory://none-{os.getpid()}").write("a", b"")
    assert made == []


def test_an_owner_knows_its_text_where_the_answer_to_writing_it_never_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")
    replace, written = remote_files.replace, []

    def unanswered_once(url: str, data: bytes, version: Any) -> Any:
        now = replace(url, data, version)
        written.append(data)
        if len(written) == 2:
            raise OSError(5, "the answer is lost")
        return now

    monkeypatch.setattr(remote_files, "replace", unanswered_once)
    with lease(folder.location, renew_every=0.02, watch_for=0.2):
        deadline = time.monotonic() + 20
        while len(written) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert folder.read(".lock") == b""


def test_a_lock_that_another_has_as_soon_as_it_is_given_up_was_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Folder(f"memory://lease-{secrets.token_hex(4)}")
    replace = remote_files.replace

    def taken_before_the_answer(url: str, data: bytes, version: Any) -> Any:
        now = replace(url, data, version)
        if data == b"":
            folder.write(".lock", b"of another")
            return None
        return now

    monkeypatch.setattr(remote_files, "replace", taken_before_the_answer)
    with lease(folder.location, renew_every=5, watch_for=0.2):
        pass
    assert folder.read(".lock") == b"of another"
