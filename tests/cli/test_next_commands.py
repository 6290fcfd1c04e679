"""The command that each command names as the next one can be run as it stands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.commands import call

MODULES = {"lrcn-data": "data", "lrcn-train": "train", "lrcn-eval": "evaluate"}
QUICK = {
    "lrcn-train": ["--cnn", "small", "--size", "32x32", "--epochs", "1", "--out", "a run"],
}


def run(line: str, folder: Path, *more: str) -> str:
    """Call what a shell makes of a line, and give what it prints."""
    program, *words = shlex.split(line)
    return call(MODULES[program], *words, *more, folder=folder).stdout


def next_of(output: str) -> str:
    [line] = [line for line in output.splitlines() if line.startswith("next: ")]
    return line.removeprefix("next: ")


@pytest.mark.slow
def test_from_the_demo_to_the_scores_each_command_names_the_next(tmp_path: Path) -> None:
    output = run("lrcn-data demo 'a demo' --train-videos 12 --val-videos 6", tmp_path)
    change, line = next_of(output).split(" && ")
    assert shlex.split(change) == ["cd", "a demo"]
    folder = tmp_path / "a demo"
    output = run(line, folder, "--out", "my shards")
    assert next_of(output) == (
        "lrcn-train --shards 'my shards/train-*.tar' --val-shards 'my shards/val-*.tar'"
    )
    output = run(next_of(output), folder, *QUICK["lrcn-train"])
    assert next_of(output) == "lrcn-eval 'a run' --shards 'my shards/test-*.tar'"
    assert "kept: a run/weights.safetensors, of epoch 1, the best with a val accuracy of" in output
    assert json.loads(run(next_of(output), folder, "--json"))["videos"] > 0


@pytest.mark.slow
def test_splits_that_are_not_there_are_not_named(tmp_path: Path) -> None:
    run("lrcn-data demo . --train-videos 12 --val-videos 0 --test-videos 6", tmp_path)
    output = run("lrcn-data shard --train train.txt", tmp_path)
    assert next_of(output) == "lrcn-train --shards 'shards/train-*.tar'"
    output = run(next_of(output), tmp_path, *QUICK["lrcn-train"])
    assert next_of(output) == "lrcn-eval 'a run' --shards ..."
    assert "kept: a run/weights.safetensors, of epoch 1, the last" in output
    assert "next: " not in run("lrcn-data shard --test test.txt --out others", tmp_path)
    assert json.loads(run("lrcn-data shard --train train.txt --json", tmp_path))["shards"]
