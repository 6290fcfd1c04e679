"""What is recorded of what trains."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lrcn_model.training.preparation import git_commit

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@needs_git
def test_the_commit_is_that_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(["git", *settings, *arguments], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    git("init")
    monkeypatch.chdir(tmp_path)
    assert git_commit() is None
    git("commit", "--allow-empty", "--message", "a")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert git_commit() == git("log", "--format=%H")


def test_there_is_no_commit_outside_of_a_work_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() is None


def test_there_is_no_commit_where_git_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None


def test_git_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lrcn_model.training.preparation._GIT_TIME", 0.1)
    assert git_commit() is None
