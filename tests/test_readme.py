"""What the README shows works as it stands there."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path

import pytest

from lrcn_data import DemoOptions, write_demo
from lrcn_model.nets.heads import RECURRENT_VALUES
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.training.options import values_from_toml
from tests.commands import call

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()


THREE_LINES, WHOLE_WAY, TRAINING_LOOP = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run_script(code: str, folder: Path) -> str:
    """Run code as a script in a folder; it must end with nothing on stderr."""
    (folder / "script.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_training_loop_runs_and_ends_with_nothing_on_stderr(
    make_data_set: Callable[..., Path],
) -> None:
    folder = make_data_set(sizes=((80, 60),), samples={"train": [3]})
    said = run_script(f"{TRAINING_LOOP}\nprint(scores.shape, loss.item())", folder.parent)
    assert said.startswith("torch.Size([1, 3])")


@pytest.mark.slow  # a whole training, whose parts all have faster tests of their own
def test_three_lines_lead_from_a_runs_folder_to_the_classes_of_a_video(tmp_path: Path) -> None:
    write_demo(tmp_path / "videos", DemoOptions(train=12, val=0, test=6))
    shutil.move(tmp_path / "videos/videos", tmp_path / "demo")
    code = WHOLE_WAY.replace('"videos"', '"demo"')
    assert code.count('"demo"') == 2
    accuracy = float(run_script(code, tmp_path))
    assert 0 <= accuracy <= 1
    [folder] = (tmp_path / "runs").iterdir()
    shutil.copy(next((tmp_path / "demo").rglob("*.avi")), tmp_path / "clip.avi")
    code = THREE_LINES.replace("small-9cfc29dd", folder.name)
    assert len([line for line in code.splitlines() if line]) == 3
    printed = io.StringIO()
    with chdir(tmp_path), redirect_stdout(printed):
        exec(code, {})
    guesses = ast.literal_eval(printed.getvalue())
    assert sum(probability for _, probability in guesses) <= 1.0001
    assert {name for name, _ in guesses} < {path.name for path in (tmp_path / "demo").iterdir()}


@pytest.mark.parametrize("command", ["data", "train", "search", "evaluate", "predict", "export"])
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
    return "".join(call(command, *part, "--help", folder=PROJECT).stdout for part in parts)


def test_the_values_of_a_head_that_the_readme_shows_are_those_without_a_table() -> None:
    [table] = re.findall(r"```toml\n(\[head\].*?)```", README, re.DOTALL)
    head = values_from_toml(tomllib.loads(table), "README")["head"]
    assert head.values == RECURRENT_VALUES
    assert NetConfig(head=head) == NetConfig(head="gru")


@pytest.mark.slow
def test_the_loop_of_a_cross_validation_scores_every_fold(tmp_path: Path) -> None:
    [loop] = re.findall(r"```sh\n(lrcn-data lists [^`]*--leave-one.*?)```", README, re.DOTALL)
    write_demo(tmp_path / "demo", DemoOptions(train=12, val=0, test=0))
    for folder in (tmp_path / "demo/videos").iterdir():
        (tmp_path / "weizmann" / folder.name).mkdir(parents=True)
        for video, person in zip(sorted(folder.iterdir()), ("daria", "denis"), strict=True):
            video.rename(tmp_path / "weizmann" / folder.name / f"{person}_{video.name}")
    quick = loop.replace("--cnn small", "--cnn small --size 32x32 --epochs 1")
    assert quick != loop
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-ec", quick], cwd=tmp_path, env={**os.environ, "PATH": programs}, check=True
    )
    scores = [json.loads((tmp_path / f"runs/fold-{n}.json").read_text()) for n in (1, 2)]
    assert [score["videos"] for score in scores] == [6, 6]


def test_files_that_the_readme_links_to_are_there() -> None:
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (PROJECT / name).exists(), name
