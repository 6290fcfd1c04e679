"""Folders for temporary files, of processes that end and of such that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from lrcn_data.storage.temporary_folder import temporary_folder

_WAITS = """
from lrcn_data.storage.temporary_folder import temporary_folder
with temporary_folder() as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_a_folder_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        assert list(folder.iterdir()) == []
        assert folder.is_relative_to(tmp_path)
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    with ExitStack() as held:
        killed, living = (
            held.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _WAITS],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(2)
        )
        folders = [Path(p.stdout.readline().strip()) for p in (killed, living) if p.stdout]
        (tmp_path / "lrcn-own-of-somebody").mkdir()
        killed.kill()
        killed.wait()
        with temporary_folder():
            assert [(folder / "file").exists() for folder in folders] == [False, True]
            assert len(list(tmp_path.glob("lrcn-own-*"))) == 3
        living.communicate("\n")
    assert [path.name for path in tmp_path.iterdir()] == ["lrcn-own-of-somebody"]


def test_what_others_have_put_there_is_neither_waited_for_nor_removed(tmp_path: Path) -> None:
    odd = tmp_path / "lrcn-own-odd"
    odd.mkdir()
    os.mkfifo(odd / ".alive")
    (tmp_path / "lrcn-own-link").mkdir()
    (tmp_path / "mine").write_text("x")
    (tmp_path / "lrcn-own-link/.alive").symlink_to(tmp_path / "mine")
    with temporary_folder():
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"lrcn-own-odd", "lrcn-own-link", "mine"}
