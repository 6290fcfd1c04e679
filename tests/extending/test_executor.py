"""An executor of a user's own: a module outside the packages, named with --executor."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OWN = '''
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


class Backwards:
    """Threads that begin with the last shard."""

    def __init__(self, workers):
        self.workers = workers

    def run(self, jobs, do):
        last_first = jobs[::-1]
        Path("order.txt").write_text("".join(f"{job.shard.name}\\n" for job in last_first))
        with ThreadPoolExecutor(self.workers) as threads:
            yield from threads.map(do, last_first)
'''

CRASH = """
import os, signal
from pathlib import Path

from lrcn_data.video import decode_av

read_video = decode_av.read_video


def faulty(file, sink, options):
    if Path(file.path).name == "crash.avi":
        os.kill(os.getpid(), signal.SIGSEGV)
    return read_video(file, sink, options)


decode_av.read_video = faulty
"""

SMALL_DEMO = ["--train-videos", "12", "--val-videos", "6", "--test-videos", "6"]
FEW_A_SHARD = ["--fps", "5", "--seq-len", "4", "--videos-per-shard", "5", "--workers", "2"]
SMALL_NET = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--epochs", "1"]
SMALL_NET += ["--workers", "0", "--device", "cpu"]
BACKWARDS = ["--executor", "own_executor:Backwards"]


def lrcn(command: str, folder: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Run a command in a folder as a user would whose own modules lie beside it."""
    done = subprocess.run(
        [sys.executable, "-m", f"lrcn_cli.{command}", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder.parent / "own")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The generated videos, and beside them a module that none of our packages knows."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own/own_executor.py").write_text(OWN)
    lrcn("data", tmp_path, "demo", "demo", *SMALL_DEMO)
    return tmp_path / "demo"


def test_an_executor_of_ones_own_makes_the_same_data_set_which_trains_and_predicts(
    demo: Path,
) -> None:
    lrcn("data", demo, "shard", *FEW_A_SHARD, "--out", "built-in")
    lrcn("data", demo, "shard", *FEW_A_SHARD, *BACKWARDS)
    order = (demo / "order.txt").read_text().split()
    assert order == [
        *("test-001", "test-000", "val-001", "val-000"),
        *("train-002", "train-001", "train-000"),
    ]
    assert tree(demo / "shards") == tree(demo / "built-in")
    lrcn("train", demo, "--shards", "shards/train-*.tar", *SMALL_NET, "--out", "run")
    output, _ = lrcn("evaluate", demo, "run", "--shards", "shards/test-*.tar", "--json")
    assert json.loads(output)
    video = (demo / "test.txt").read_text().splitlines()[0].rpartition(" ")[0]
    output, _ = lrcn("predict", demo, "run", video, "--json")
    assert len(json.loads(output)) == 1


def test_a_run_that_one_executor_began_is_finished_by_another(demo: Path) -> None:
    lrcn("data", demo, "shard", *FEW_A_SHARD, "--out", "built-in")
    lrcn("data", demo, "shard", *FEW_A_SHARD, *BACKWARDS)
    for path in (demo / "shards").rglob("train-001.*"):
        path.unlink()
    output, _ = lrcn("data", demo, "shard", *FEW_A_SHARD, "--json")
    assert json.loads(output)["shards_done"] == 1
    assert tree(demo / "shards") == tree(demo / "built-in")


def test_a_decoder_that_crashes_costs_its_video_only_with_an_executor_of_ones_own_too(
    demo: Path,
) -> None:
    (demo.parent / "own/sitecustomize.py").write_text(CRASH)
    lists = demo / "train.txt"
    first = lists.read_text().splitlines()[0].rpartition(" ")[0]
    (demo / first).rename(demo / "crash.avi")
    lists.write_text(lists.read_text().replace(f"{first} ", "crash.avi ", 1))
    arguments = [*FEW_A_SHARD, *BACKWARDS, "--max-bad-fraction", "1", "--json"]
    result = json.loads(lrcn("data", demo, "shard", *arguments)[0])
    assert (result["videos"], result["clips"], result["failed"]) == (24, 23, 1)
    [line] = (demo / "shards/rejected.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "path": "crash.avi",
        "split": "train",
        "reason": "crashed",
        "detail": "the decoder's process ended 2 times with SIGSEGV",
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("clouds", "error: --executor must be one of local, or package.module:name of your own,"),
        ("own_clouds:Clouds", "error: --executor own_clouds:Clouds: own_clouds can't be imported"),
        ("own_executor:Clouds", "error: --executor own_executor:Clouds: own_executor has no"),
    ],
)
def test_an_executor_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, says: str
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/own_executor.py").write_text(OWN)
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "video.avi").touch()
    (folder / "train.txt").write_text("video.avi 0\n")
    _, said = lrcn("data", folder, "shard", "--executor", name, code=2)
    assert said.startswith(says)
    assert len(said.splitlines()) == 1
    assert not (folder / "shards").exists()
