"""What the README and the pages of docs/ show works as it stands there."""

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

import nbformat
import pytest
from nbclient import NotebookClient

from lrcn_data import DemoOptions, write_demo
from lrcn_model.nets.heads import RECURRENT_VALUES
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.training.options import values_from_toml
from tests.commands import call

PROJECT = Path(__file__).resolve().parent.parent
PAGES = {path: path.read_text() for path in (PROJECT / "README.md", *PROJECT.glob("docs/*.md"))}


def page(name: str) -> str:
    return PAGES[PROJECT / "docs" / name]


THREE_LINES, WHOLE_WAY, TRAINING_LOOP = re.findall(
    r"```python\n(.*?)```", page("python.md"), re.DOTALL
)


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


@pytest.mark.parametrize(
    "command", ["data", "train", "search", "evaluate", "predict", "export", "report"]
)
def test_options_that_the_pages_name_exist(command: str) -> None:
    program = {"evaluate": "lrcn-eval"}.get(command, f"lrcn-{command}")
    help_text = _all_help(command)
    text = "\n".join(PAGES.values())
    lines = [line for line in text.splitlines() if re.search(rf"\b{program}\b", line)]
    assert lines
    for line in lines:
        for part in re.findall(rf"{program}([^|`]*)", line):
            for option in re.findall(r"(?<!\S)--[a-z-]+", part):
                assert option in help_text, f"{program} {option}"


def _all_help(command: str) -> str:
    parts = [[]]
    if command == "data":
        parts = [["lists"], ["shard"], ["stats"], ["verify"], ["preview"], ["demo"], ["index"]]
        parts += [["merge"], ["subset"]]
    return "".join(call(command, *part, "--help", folder=PROJECT).stdout for part in parts)


def test_the_values_of_a_head_that_a_page_shows_are_those_without_a_table() -> None:
    [table] = re.findall(r"```toml\n(\[head\].*?)```", page("nets.md"), re.DOTALL)
    head = values_from_toml(tomllib.loads(table), "nets.md")["head"]
    assert head.values == RECURRENT_VALUES
    assert NetConfig(head=head) == NetConfig(head="gru")


@pytest.mark.slow
def test_the_loop_of_a_cross_validation_scores_every_fold(tmp_path: Path) -> None:
    [loop] = re.findall(
        r"```sh\n(lrcn-data lists [^`]*--leave-one.*?)```", page("cross-validation.md"), re.DOTALL
    )
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


def test_files_that_the_pages_link_to_are_there() -> None:
    for path, text in PAGES.items():
        for name in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (path.parent / name).exists(), f"{path.name}: {name}"


def test_every_page_is_named_by_the_sites_front_page() -> None:
    names = {path.stem for path in PAGES if path.parent.name == "docs"} - {"index"}
    listed = set(re.findall(r"^[a-z0-9-]+$", page("index.md"), re.MULTILINE))
    assert names == listed


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    notebook = nbformat.read(PROJECT / "docs/notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    for old, new in (("train=120", "train=24"), ("test=24", "test=6"), ("epochs=6", "epochs=1")):
        [cell] = [cell for cell in notebook.cells if old in cell.source]
        cell.source = cell.source.replace(old, new)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", timeout=300, resources=place).execute()
    assert "horizontal-" in notebook.cells[-1].outputs[0].text
    shown = [out for cell in notebook.cells for out in cell.get("outputs", ()) if "data" in out]
    assert any("image/png" in out.data for out in shown)
