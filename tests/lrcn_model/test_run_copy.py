"""What is put into a store of a run's copy, and when."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import fsspec
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_model.run_copy import on_this_machine
from lrcn_model.run_folder import RUNS, RunFolder


@pytest.fixture
def run() -> Iterator[RunFolder]:
    """A run in fsspec's memory."""
    name = f"copied-{secrets.token_hex(4)}"
    store = fsspec.filesystem("memory")
    store.pipe({f"/{name}/config.toml": b"a = 1", f"/{name}/checkpoints/last.pt": b"one"})
    yield RunFolder(f"memory://{name}")
    store.rm(name, recursive=True)


def test_a_run_on_this_machine_is_no_copy(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with on_this_machine(folder) as same:
        assert same is folder
    assert folder.place(tmp_path / "run/a.png") == tmp_path / "run/a.png"
    assert folder.beside == tmp_path


def test_only_what_is_wanted_is_fetched_and_what_is_written_is_put(run: RunFolder) -> None:
    with on_this_machine(run, ["config.toml"]) as copy:
        assert [path.name for path in copy.path.iterdir()] == ["config.toml"]
        assert copy.config.read_text() == "a = 1"
        assert (str(copy), copy.original, copy.beside) == (str(run), run, RUNS)
        copy.config.write_text("a = 2")
        copy.evaluations.mkdir()
        (copy.evaluations / "half.json.1.partial").write_text("{")
        (copy.evaluations / "a.json").write_text("{}")
        assert copy.place(copy.evaluations / "a.json") == f"{run}/evaluations/a.json"
    assert run.read("config.toml") == b"a = 2"
    assert run.names("evaluations") == ["a.json"]
    # which was not fetched, and so is not taken for one that was removed
    assert run.read("checkpoints/last.pt") == b"one"
    assert not copy.path.exists()


def test_what_is_removed_in_a_copy_stays_but_for_a_run_that_is_thrown_away(run: RunFolder) -> None:
    remote_files.write(f"{run}/checkpoints/previous.pt", b"zero")
    remote_files.write(f"{run}/mine.txt", b"not the run's")
    with on_this_machine(run, ["config.toml", "checkpoints"]) as copy:
        assert {path.name for path in copy.checkpoints.iterdir()} == {"last.pt", "previous.pt"}
        (copy.checkpoints / "last.pt").rename(copy.checkpoints / "damaged.pt")
    assert run.names("checkpoints") == ["last.pt", "previous.pt"]
    with on_this_machine(run) as copy:
        copy.clear()
        copy.config.write_text("a = 3")
    assert sorted(remote_files.find(str(run))) == ["config.toml", "mine.txt"]


def test_what_could_not_be_fetched_whole_changes_nothing(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(url: str, to: BinaryIO, *, most: int) -> int:
        to.write(b"o")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote_files, "fetch", half)
    with (
        pytest.raises(LrcnError, match="can't be read: No space left"),
        on_this_machine(run, ["checkpoints"]),
    ):
        pass
    assert run.read("checkpoints/last.pt") == b"one"


def test_nothing_is_fetched_of_what_is_no_run_and_no_folder_for_a_file(run: RunFolder) -> None:
    remote_files.write(f"{run}/shard-000.tar", b"x")
    remote_files.write(f"{run}/checkpoints/../evil", b"x")
    with on_this_machine(run, ["config.toml", "checkpoints"]) as copy:
        names = {str(path.relative_to(copy.path)) for path in copy.path.rglob("*")}
    assert names == {"config.toml", "checkpoints", "checkpoints/last.pt"}
    run.delete("config.toml")
    with on_this_machine(run, ["config.toml", "checkpoints"]) as copy:
        assert list(copy.path.iterdir()) == []


def test_a_file_that_says_that_others_are_there_is_put_after_them(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    upload, delete = remote_files.upload, remote_files.delete

    def noted(file: Path, url: str) -> None:
        order.append(url.removeprefix(f"{run}/"))
        upload(file, url)

    def noted_too(url: str) -> None:
        order.append(f"less {url.removeprefix(f'{run}/')}")
        delete(url)

    monkeypatch.setattr(remote_files, "upload", noted)
    monkeypatch.setattr(remote_files, "delete", noted_too)
    with on_this_machine(run) as copy:
        copy.checkpoints.mkdir()
        (copy.checkpoints / "previous.pt").write_bytes(b"before")
        for name in ("checkpoints/last.pt", "config.toml", "a.json", "a.npz", "weights"):
            (copy.path / name).write_bytes(b"new")
        copy.publish()
        (copy.path / "weights").write_bytes(b"once more")
    whole = ["less a.json", "a.npz", "weights", "a.json", "config.toml", "checkpoints/last.pt"]
    assert order == [*whole, "weights"]


def test_a_file_is_put_as_it_was_when_it_was_published(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: dict[str, bytes] = {}

    def late(file: Path, url: str) -> None:
        if url.endswith("config.toml"):
            while not copy.metrics.with_name("go").exists():
                pass
        put.setdefault(url.removeprefix(f"{run}/"), file.read_bytes())

    monkeypatch.setattr(remote_files, "upload", late)
    with on_this_machine(run) as copy:
        copy.config.write_bytes(b"first")
        copy.metrics.write_bytes(b"a line\n")
        copy.publish()
        with copy.metrics.open("ab") as file:
            file.write(b"half a li")
        copy.metrics.with_name("go").touch()
    assert (put["config.toml"], put["metrics.jsonl"]) == (b"first", b"a line\n")


def test_what_could_not_be_put_is_put_when_the_block_ends(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_this_machine(run) as copy:
        copy.config.write_bytes(b"new")
        with monkeypatch.context() as patch:
            patch.setattr(remote_files, "upload", gone)
            copy.publish()
            while not copy._sending.done():
                time.sleep(0.01)
    assert run.read("config.toml") == b"new"


@pytest.mark.parametrize("ended", [KeyboardInterrupt, None])
def test_that_nothing_could_be_put_is_told_however_the_block_ended(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, ended: type[BaseException] | None
) -> None:
    def work() -> None:
        with on_this_machine(run) as copy:
            copy.config.write_bytes(b"new")
            if ended:
                raise ended

    monkeypatch.setattr(remote_files, "upload", gone)
    with pytest.raises(LrcnError, match=f"{run} can't be written: the store has gone; mend it"):
        work()


def gone(file: Path, url: str) -> None:
    raise OSError(5, "the store has gone")


def test_nothing_is_put_once_another_process_has_taken_the_run_over(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[str] = []

    def lost() -> None:
        if put:
            raise LrcnError("another run has taken it over")

    def work() -> None:
        with on_this_machine(run, (), lost) as copy:
            copy.metrics.write_bytes(b"in time")
            copy.config.write_bytes(b"late")

    monkeypatch.setattr(remote_files, "upload", lambda file, url: put.append(url))
    with pytest.raises(LrcnError, match="taken it over"):
        work()
    assert put == [f"{run}/metrics.jsonl"]


def test_an_error_names_the_file_in_the_store(run: RunFolder) -> None:
    with pytest.raises(LrcnError) as found, on_this_machine(run) as copy:
        raise LrcnError(f"{copy.metrics} is damaged")
    assert str(found.value) == f"{run}/metrics.jsonl is damaged"
