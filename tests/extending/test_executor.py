"""An executor of a user's own: a module outside the packages, named with --executor."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.extending.conftest import Outside

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

FEW_A_SHARD = ["--fps", "5", "--seq-len", "4", "--videos-per-shard", "5", "--workers", "2"]
BACKWARDS = ["--executor", "own_executor:Backwards"]


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def user(outside: Outside) -> Outside:
    """A user with an executor in a module that none of our packages knows."""
    outside.write_module("own_executor", OWN)
    return outside


def test_an_executor_of_ones_own_makes_the_same_data_set_which_trains_and_predicts(
    user: Outside,
) -> None:
    user.run("lrcn-data shard", *FEW_A_SHARD, "--out", "built-in")
    user.run("lrcn-data shard", *FEW_A_SHARD, *BACKWARDS)
    order = (user.folder / "order.txt").read_text().split()
    assert order == [
        *("test-001", "test-000", "val-001", "val-000"),
        *("train-002", "train-001", "train-000"),
    ]
    assert tree(user.folder / "shards") == tree(user.folder / "built-in")
    user.train()
    output = user.call("lrcn-eval", "run", "--shards", "shards/test-*.tar", "--json")
    assert json.loads(output)
    video = (user.folder / "test.txt").read_text().splitlines()[0].rpartition(" ")[0]
    output = user.call("lrcn-predict", "run", video, "--json")
    assert json.loads(output)["error"] is None


def test_a_run_that_one_executor_began_is_finished_by_another(user: Outside) -> None:
    user.run("lrcn-data shard", *FEW_A_SHARD, "--out", "built-in")
    user.run("lrcn-data shard", *FEW_A_SHARD, *BACKWARDS)
    for path in (user.folder / "shards").rglob("train-001.*"):
        path.unlink()
    output = user.run("lrcn-data shard", *FEW_A_SHARD, "--json")
    assert json.loads(output)["shards_done"] == 1
    assert tree(user.folder / "shards") == tree(user.folder / "built-in")


def test_a_decoder_that_crashes_costs_its_video_only_with_an_executor_of_ones_own_too(
    user: Outside,
) -> None:
    user.write_module("sitecustomize", CRASH)
    lists = user.folder / "train.txt"
    first = lists.read_text().splitlines()[0].rpartition(" ")[0]
    (user.folder / first).rename(user.folder / "crash.avi")
    lists.write_text(lists.read_text().replace(f"{first} ", "crash.avi ", 1))
    arguments = [*FEW_A_SHARD, *BACKWARDS, "--max-bad-fraction", "1", "--json"]
    result = json.loads(user.run("lrcn-data shard", *arguments))
    assert (result["videos"], result["clips"], result["failed"]) == (24, 23, 1)
    [line] = (user.folder / "shards/rejected.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "path": "crash.avi",
        "split": "train",
        "reason": "crashed",
        "detail": "the decoder's process ended 2 times with SIGSEGV",
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "clouds",
            "error: --executor must be one of local, slurm, ray, ray:NAME, or package.module:name",
        ),
        ("own_clouds:Clouds", "error: --executor own_clouds:Clouds: own_clouds can't be imported"),
        ("own_executor:Clouds", "error: --executor own_executor:Clouds: own_executor has no"),
    ],
)
def test_an_executor_that_is_not_there_is_refused_before_anything_is_written(
    user: Outside, name: str, says: str
) -> None:
    said = user.run("lrcn-data shard", "--executor", name, code=2)
    assert said.startswith(says)
    assert len(said.splitlines()) == 1
    assert not (user.folder / "shards").exists()
