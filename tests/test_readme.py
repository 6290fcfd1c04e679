"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


def test_the_training_loop_runs(make_data_set: Callable[..., Path]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    folder = make_data_set(sizes=((80, 60),), samples={"train": [3]})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + "\nprint(scores.shape, loss.item())"],
        cwd=folder.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("torch.Size([1, 3])")


@pytest.mark.parametrize("command", ["data", "train", "evaluate", "predict"])
def test_options_that_the_readme_names_exist(command: str) -> None:
    program = {"evaluate": "lrcn-eval"}.get(command, f"lrcn-{command}")
    help_text = _all_help(command)
    lines = [line for line in README.splitlines() if re.search(rf"\b{program}\b", line)]
    assert lines
    for line in lines:
        for part in re.findall(rf"{program}([^|`]*)", line):
            for option in re.findall(r"(?<!\S)--[a-z-]+", part):
                assert option in help_text, f"{program} {option}"


def _all_help(command: str) -> str:
    parts = [[]]
    if command == "data":
        parts = [["lists"], ["shard"], ["stats"], ["verify"], ["preview"], ["demo"], ["index"]]
    texts = []
    for part in parts:
        done = subprocess.run(
            [sys.executable, "-m", f"lrcn_cli.{command}", *part, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        texts.append(done.stdout)
    return "".join(texts)


def test_files_that_the_readme_links_to_are_there() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / name).exists(), name
