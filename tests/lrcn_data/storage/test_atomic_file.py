from __future__ import annotations

import os
from pathlib import Path

import pytest

from lrcn_data.storage.atomic_file import (
    TEMPORARY,
    atomic_file,
    remove_leftovers,
    temporary_name,
    write_atomically,
    write_failure,
)


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with atomic_file(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"a long old content")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_nothing_is_written_through_a_link_in_the_temporary_name(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / "a.bin"
    temporary_name(path).symlink_to(victim)
    write_atomically(path, b"new")
    assert victim.read_bytes() == b"precious"
    assert path.read_bytes() == b"new"


def test_two_processes_write_under_names_of_their_own(tmp_path: Path) -> None:
    name = temporary_name(tmp_path / "a.bin").name
    assert str(os.getpid()) in name
    assert name.endswith(TEMPORARY)


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"a.bin.1234{TEMPORARY}").touch()
    (tmp_path / "a.bin").touch()
    (tmp_path / "partial.txt").touch()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "partial.txt"]


def test_a_folder_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none/a.bin", b"")


def test_a_failure_names_the_thing_the_cause_and_the_file() -> None:
    error = write_failure("shards", OSError(28, "No space left on device", "shards/a.tar"))
    assert str(error) == (
        "shards can't be written: No space left on device (shards/a.tar); free some space, then"
        " run the same command again"
    )
    assert "; mend it, then" in str(write_failure("shards", OSError(5, "Input/output error")))
