"""`lrcn-data verify` and `lrcn-data index` as a user calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

MakeDataSet = Callable[..., Path]


def lrcn_data(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    main = "from lrcn_cli.data import main; main()"
    return subprocess.run(
        [sys.executable, "-c", main, *arguments], cwd=cwd, capture_output=True, text=True
    )


def test_a_sound_data_set_exits_with_0(make_data_set: MakeDataSet) -> None:
    result = lrcn_data("verify", cwd=make_data_set().parent)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == "shards: no faults\n"


def test_a_fault_is_one_line_on_stdout_and_exits_with_1(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "train-001.tar").unlink()
    result = lrcn_data("verify", cwd=folder.parent)
    assert result.returncode == 1
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith("train-001.tar: can't be read: ")
    assert result.stderr == "shards: 1 fault\n"


def test_faults_as_json(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "train-001.tar").unlink()
    result = lrcn_data("verify", str(folder), "--json", "--deep", cwd=folder.parent)
    report = json.loads(result.stdout)
    assert result.returncode == 1
    assert report["sound"] is False
    assert report["faults"][0]["file"] == "train-001.tar"


def test_an_index_is_made_where_it_is_missing(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [2]})
    shutil.rmtree(folder / ".meta")
    first = lrcn_data("index", cwd=folder.parent)
    assert first.returncode == 0
    assert first.stdout.split() == [
        f"shards/.meta/{name}" for name in ("train-000.idx", "train.npy", "pixel_sum.npz")
    ]
    assert "pixel sum is that of the decoded JPEGs" in first.stderr
    again = lrcn_data("index", "--json", cwd=folder.parent)
    assert json.loads(again.stdout) == {"folder": "shards", "written": []}
    assert lrcn_data("verify", cwd=folder.parent).returncode == 0


def test_an_index_without_a_manifest_is_one_line_and_exits_with_1(tmp_path: Path) -> None:
    result = lrcn_data("index", "typo", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: typo has no readable dataset.json")
