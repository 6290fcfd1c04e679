"""Runs of `lrcn-data shard` to disturb."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

COMMAND = [sys.executable, "-m", "lrcn_cli.data", "shard"]


class Runs:
    """Runs of `lrcn-data shard` in a folder of small videos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arguments: list[str] = []
        self.environment: dict[str, str] = {}

    def hook(self, folder: Path) -> None:
        """Have the runs and their workers import the sitecustomize.py of a folder."""
        others = os.environ.get("PYTHONPATH")
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), others]))

    def start(
        self, *arguments: str, before: Iterable[str] = (), group: bool = False
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*before, *COMMAND, *self.arguments, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=group,
        )

    def run(self, *arguments: str, before: Iterable[str] = ()) -> tuple[int, str]:
        """Run to the end; exit code and stderr."""
        process = self.start(*arguments, before=before)
        _, said = process.communicate(timeout=300)
        return process.returncode, said

    def whole(self, *arguments: str) -> tuple[dict[str, str], float]:
        """An undisturbed run: the hashes of its tree, and how long it took."""
        began = time.monotonic()
        code, said = self.run("--out", "whole", *arguments)
        assert code == 0, said
        return self.tree("whole"), time.monotonic() - began

    def tree(self, out: str) -> dict[str, str]:
        """SHA-256 of every file."""
        folder = self.folder / out
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def broken(self, out: str, whole: dict[str, str]) -> str | None:
        """A shard under its final name that is not the undisturbed run's."""
        for path in (self.folder / out).glob("*.tar"):
            if hashlib.sha256(path.read_bytes()).hexdigest() != whole[path.name]:
                return f"{out}: {path.name} is broken under its final name"
        return None

    def leftovers(self, out: str) -> list[str]:
        """Temporary files."""
        return [str(path) for path in (self.folder / out).rglob("*.partial")]

    def resumed(self, out: str, whole: dict[str, str], *arguments: str) -> str | None:
        """Let the same command end what was disturbed; a fault if the tree is another one."""
        code, said = self.run("--out", out, *arguments)
        if code:
            return f"{out}: the resumed run ended with {code}: {said[-500:]}"
        tree = self.tree(out)
        shutil.rmtree(self.folder / out)
        if tree == whole:
            return None
        differ = sorted(name for name in {*tree, *whole} if tree.get(name) != whole.get(name))
        return f"{out}: the resumed tree differs in {differ}"

    def alive(self) -> list[int]:
        """Processes, zombies too, that have this folder as their own."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd() == str(self.folder):
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found

    def all_gone(self, seconds: float) -> str | None:
        """A fault if any process is left after some seconds."""
        limit = time.monotonic() + seconds
        while left := self.alive():
            if time.monotonic() > limit:
                return f"processes {left} are left"
            time.sleep(0.05)
        return None


@pytest.fixture
def runs(tmp_path: Path, write_video: Callable[..., Path]) -> Runs:
    """A folder with 16 train and 8 test videos of two classes, in shards of three."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # as in a shell's background job; the runs would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    lists: dict[str, list[str]] = {"train": [], "test": []}
    for number in range(24):
        name = f"class{number % 2}/clip {number}.{'mp4' if number % 3 else 'avi'}"
        write_video(name, frames=6 if number == 5 else 20)
        lists["train" if number < 16 else "test"].append(f"{name} class{number % 2}\n")
    for split, lines in lists.items():
        (tmp_path / f"{split}.txt").write_text("".join(lines))
    runs = Runs(tmp_path)
    runs.arguments = ["--workers", "2", "--videos-per-shard", "3"]
    return runs
