"""A user outside the packages: modules of their own on PYTHONPATH, and the command lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import invalidate_caches
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.commands import call

RunCommand = Callable[..., str]

TINY = ("--train-videos", "12", "--val-videos", "6", "--test-videos", "6")
SMALL_NET = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--epochs", "1"),
    *("--batch-size", "4", "--device", "cpu", "--workers", "0"),
)
_MODULES = {
    "lrcn-data": "data",
    "lrcn-train": "train",
    "lrcn-eval": "evaluate",
    "lrcn-predict": "predict",
}


def run_command(
    folder: Path, modules: Path | None, command: str, *arguments: str | Path, code: int = 0
) -> str:
    """Run a command, `lrcn-data shard` for example, in a process of its own.

    Args:
        folder: In which it is called.
        modules: What stands on PYTHONPATH; None for nothing.
        command: Its name, and that of its subcommand.
        arguments: The rest of the line.
        code: The exit code that is expected.

    Returns:
        What it printed: on stdout where it should succeed, else on stderr.
    """
    name, *words = command.split()
    # a source that changes twice within a second would be taken for its compiled file
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", f"lrcn_cli.{_MODULES[name]}", *words, *map(str, arguments)],
        cwd=folder,
        env={**environment, **({"PYTHONPATH": str(modules)} if modules else {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def call_command(
    folder: Path, modules: Path, command: str, *arguments: str | Path, code: int = 0
) -> str:
    """Call a command that needs torch as `run_command` runs it, but in this process."""
    with (
        patch.object(sys, "path", [str(modules), *sys.path]),
        patch.object(sys, "dont_write_bytecode", True),
    ):
        forget_modules(modules)
        done = call(_MODULES[command], *arguments, folder=folder, code=code)
        forget_modules(modules)
    return done.stderr if code else done.stdout


def forget_modules(folder: Path) -> None:
    """Have the modules of a folder imported anew, as another process would."""
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "").parent == folder:
            del sys.modules[name]
    invalidate_caches()


@dataclass(frozen=True, slots=True)
class Outside:
    """A user's folder with the generated videos, in which they call the commands.

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
        """Run a command in the user's folder; see `run_command`."""
        return run_command(self.folder, self.modules, command, *arguments, code=code)

    def call(self, command: str, *arguments: str | Path, code: int = 0) -> str:
        """Call a command that needs torch in the user's folder; see `call_command`."""
        return call_command(self.folder, self.modules, command, *arguments, code=code)

    def train(self, *arguments: str | Path, code: int = 0) -> str:
        """Train a small net for one epoch on the shards, into the folder `run`."""
        return self.call(
            "lrcn-train", "--shards", "shards", *SMALL_NET, "--out", "run", *arguments, code=code
        )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few generated videos."""
    folder = tmp_path_factory.mktemp("demo")
    run_command(folder, None, "lrcn-data demo", ".", *TINY)
    return folder


@pytest.fixture
def outside(demo: Path, tmp_path: Path) -> Outside:
    """A user's folder with a copy of the generated videos."""
    (tmp_path / "modules").mkdir()
    shutil.copytree(demo, tmp_path / "work")
    return Outside(tmp_path / "work", tmp_path / "modules")


@pytest.fixture(scope="session")
def net_data(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated videos, and the shards made of them, for all tests of nets."""
    folder = tmp_path_factory.mktemp("nets") / "data"
    shutil.copytree(demo, folder)
    run_command(folder, None, "lrcn-data shard", "--seq-len", "4", "--workers", "1")
    return folder


@pytest.fixture(scope="session")
def lrcn_with(net_data: Path) -> RunCommand:
    """A function that runs a command beside the shards, in a process of its own.

    It takes the folder of a user's modules, and the other arguments of `run_command`.
    """
    return partial(run_command, net_data)


@pytest.fixture
def lrcn(net_data: Path, tmp_path: Path) -> RunCommand:
    """A function that calls a command beside the shards, in this process.

    It finds the modules that a test writes into its own folder.
    """
    return partial(call_command, net_data, tmp_path)


@pytest.fixture
def video(net_data: Path) -> Path:
    """One of the generated videos."""
    return min(net_data.glob("videos/*/test-*"))
