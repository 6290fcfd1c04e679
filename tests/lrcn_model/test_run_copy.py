"""What is put into a store of a run's copy, and when."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.storage import remote_files
from lrcn_model.run_copy import nothing, on_this_machine
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
    with on_this_machine(folder, nothing) as same:
        assert same is folder
    assert folder.place(tmp_path / "run/a.png") == tmp_path / "run/a.png"
    assert folder.beside == tmp_path


def test_only_what_is_wanted_is_fetched_and_what_is_written_is_put(run: RunFolder) -> None:
    with on_this_machine(run, lambda name: name == "config.toml") as copy:
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


def test_what_is_removed_of_what_was_fetched_is_removed_in_the_store(run: RunFolder) -> None:
    with on_this_machine(run, lambda name: True) as copy:
        (copy.checkpoints / "last.pt").unlink()
    assert run.names("checkpoints") == []


def test_files_are_put_in_the_order_in_which_they_were_written(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    upload = remote_files.upload

    def noted(file: Path, url: str) -> None:
        order.append(url.removeprefix(f"{run}/"))
        upload(file, url)

    monkeypatch.setattr(remote_files, "upload", noted)
    with on_this_machine(run, nothing) as copy:
        copy.checkpoints.mkdir()
        names = ["weights.safetensors", "metrics.jsonl", "checkpoints/last.pt", "a", "b"]
        for name in names:
            (copy.path / name).write_bytes(b"new")
            copy.publish()
        (copy.path / "a").write_bytes(b"once more")
    assert order == [*names, "a"]


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
    with on_this_machine(run, nothing) as copy:
        copy.config.write_bytes(b"first")
        copy.metrics.write_bytes(b"a line\n")
        copy.publish()
        with copy.metrics.open("ab") as file:
            file.write(b"half a li")
        copy.metrics.with_name("go").touch()
    assert (put["config.toml"], put["metrics.jsonl"]) == (b"first", b"a line\n")


def test_what_could_not_be_put_is_put_the_next_time(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_this_machine(run, nothing) as copy:
        copy.config.write_bytes(b"new")
        with monkeypatch.context() as patch:
            patch.setattr(remote_files, "upload", gone)
            copy.publish()
            with pytest.raises(LrcnError, match="can't be written: the store has gone; mend it"):
                copy.publish()
    assert run.read("config.toml") == b"new"


def gone(file: Path, url: str) -> None:
    raise OSError(5, "the store has gone")


def test_nothing_is_put_once_another_process_has_taken_the_run_over(run: RunFolder) -> None:
    def lost() -> None:
        raise LrcnError("another run has taken it over")

    with pytest.raises(LrcnError, match="taken it over"), on_this_machine(run, nothing, lost) as it:
        it.config.write_bytes(b"late")
    assert run.read("config.toml") == b"a = 1"


def test_an_error_names_the_file_in_the_store(run: RunFolder) -> None:
    with pytest.raises(LrcnError) as found, on_this_machine(run, nothing) as copy:
        raise LrcnError(f"{copy.metrics} is damaged")
    assert str(found.value) == f"{run}/metrics.jsonl is damaged"
