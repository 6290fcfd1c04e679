"""A user outside the packages: modules of his own on PYTHONPATH, and the command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TINY = ("--train-videos", "12", "--val-videos", "0", "--test-videos", "6")
SMALL_NET = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--epochs", "1"),
    *("--batch-size", "4", "--device", "cpu", "--workers", "0"),
)


@dataclass(frozen=True, slots=True)
class Outside:
    """A user's folder with the generated videos, in which he calls the commands.

    Attributes:
        folder: In which the commands are called.
        modules: What stands on PYTHONPATH.
    """

    folder: Path
    modules: Path

    def write_module(self, name: str, text: str) -> None:
        """Write a module, or another version of it."""
        (self.modules / f"{name}.py").write_text(text)

    def run(self, command: str, *arguments: str | Path, code: int = 0) -> str:
        """Run a command, `lrcn-data shard` for example, in a process of its own.

        Returns:
            What it printed: on stdout where it should succeed, else on stderr.
        """
        name, *words = command.split()
        module = {"data": "data", "train": "train", "eval": "evaluate", "predict": "predict"}
        done = subprocess.run(
            [
                *(sys.executable, "-m", f"lrcn_cli.{module[name.removeprefix('lrcn-')]}"),
                *(*words, *map(str, arguments)),
            ],
            cwd=self.folder,
            # a source that changes twice within a second would be taken for its compiled file
            env={**os.environ, "PYTHONPATH": str(self.modules), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def train(self, *arguments: str | Path, code: int = 0) -> str:
        """Train a small net for one epoch on the shards, into the folder `run`."""
        return self.run(
            "lrcn-train", "--shards", "shards", *SMALL_NET, "--out", "run", *arguments, code=code
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few generated videos."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, "-m", "lrcn_cli.data", "demo", folder, *TINY], check=True)
    return folder


@pytest.fixture
def outside(demo: Path, tmp_path: Path) -> Outside:
    """A user's folder with a copy of the generated videos."""
    (tmp_path / "modules").mkdir()
    shutil.copytree(demo, tmp_path / "work")
    return Outside(tmp_path / "work", tmp_path / "modules")
