"""Data sets made in parts by jobs that know nothing of each other: the bytes of one machine."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.making import run as run_module
from lrcn_data.making.make_shards import make_shards
from lrcn_data.making.part import Part, read_part
from lrcn_data.making.shard_job import ShardJob, put_shard, write_shard
from lrcn_data.storage.folder_lock import part_lock, run_lock
from tests.commands import call
from tests.lrcn_data.making.test_run import SHARD, shard, tree_hashes

SMALL = ["--videos-per-shard", "4"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a job of its own, as a scheduler does."""
    return subprocess.Popen(
        [sys.executable, "-m", "lrcn_cli.data", *SHARD, *SMALL, "--workers", "1", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def without_locks(hashes: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in hashes.items() if not name.startswith(".lock")}


def is_complete(folder: Path) -> bool:
    return bool(json.loads((folder / "dataset.json").read_text())["complete"])


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_parts_in_any_order_make_the_bytes_of_one_run(video_lists: Path, count: int) -> None:
    shard(video_lists, *SMALL, "--out", "whole")
    numbers = random.Random(count).sample(range(count), count)
    for done, number in enumerate(numbers, 1):
        said = shard(video_lists, *SMALL, "--out", "parts", "--part", f"{number}/{count}")
        manifest = video_lists / "parts" / "dataset.json"
        # 8 shards are whole before the last of 20 parts
        if count < 20:
            assert is_complete(video_lists / "parts") == (done == count)
            assert ("the data set is whole once" in said.stderr) == (done < count)
        assert manifest.exists() or not list((video_lists / "parts").glob("*.tar"))
    assert tree_hashes(video_lists / "parts") == tree_hashes(video_lists / "whole")


def test_parts_in_a_store_make_the_same_bytes(video_lists: Path) -> None:
    shard(video_lists, *SMALL, "--out", "whole")
    out = "memory://parts-of-a-data-set"
    with chdir(video_lists):
        made = [
            make_shards(out, classes="classes.txt", videos_per_shard=4, workers=0, part=number)
            for number in ("1/2", "2/2")
        ]
    assert [result.complete for result in made] == [False, True]
    fsspec.filesystem("memory").get(out, str(video_lists / "fetched"), recursive=True)
    fetched = tree_hashes(video_lists / "fetched")
    whole = tree_hashes(video_lists / "whole")
    assert without_locks(fetched) == without_locks(whole)


def test_jobs_at_once_with_some_killed_and_some_run_twice_make_the_same_bytes(
    video_lists: Path,
) -> None:
    shard(video_lists, *SMALL, "--out", "whole")
    shard(video_lists, *SMALL, "--out", "parts", "--part", "0/4")
    killed = start(video_lists, "--out", "parts", "--part", "1/4")
    while not list((video_lists / "parts" / ".meta").glob("part-1-*")) and killed.poll() is None:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    jobs = [start(video_lists, "--out", "parts", "--part", f"{n}/4") for n in (1, 2, 3)]
    again = shard(video_lists, *SMALL, "--out", "parts", "--part", "0/4", "--json")
    assert json.loads(again.stdout)["videos_done"] == 0
    errors = [job.communicate()[1] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0], errors
    assert tree_hashes(video_lists / "parts") == tree_hashes(video_lists / "whole")


def test_finishing_says_what_is_missing_and_makes_no_shard(video_lists: Path) -> None:
    shard(video_lists, *SMALL, "--out", "parts", "--part", "1/3")
    before = tree_hashes(video_lists / "parts")
    said = shard(video_lists, *SMALL, "--out", "parts", "--finish", code=1)
    assert "parts lacks 5 of 8 shards: train-000.tar" in said.stderr
    assert tree_hashes(video_lists / "parts") == before


def test_finishing_writes_the_whole_again_where_a_job_died_before_it_could(
    video_lists: Path,
) -> None:
    shard(video_lists, *SMALL, "--out", "whole")
    for number in range(2):
        shard(video_lists, *SMALL, "--out", "parts", "--part", f"{number}/2")
    manifest = video_lists / "parts" / "dataset.json"
    manifest.write_text(manifest.read_text().replace('"complete": true', '"complete": false'))
    assert not is_complete(video_lists / "parts")
    shard(video_lists, *SMALL, "--out", "parts", "--finish")
    assert tree_hashes(video_lists / "parts") == tree_hashes(video_lists / "whole")


def test_a_part_judges_its_own_failures(video_lists: Path) -> None:
    for number in range(4):
        (video_lists / f"class0/broken {number}.mp4").write_bytes(b"no video")
        with (video_lists / "train.txt").open("a") as file:
            file.write(f"class0/broken {number}.mp4 class0\n")
    codes = []
    for number in range(9):
        said = call(
            *("data", *SHARD, *SMALL, "--workers", "0", "--part", f"{number}/9", "--json"),
            folder=video_lists,
            code=None,
        )
        result = json.loads(said.stdout)
        codes.append(said.returncode)
        if not result["complete"]:
            assert said.returncode == (result["bad"] > 0.1 * result["videos"])
            assert result["videos"] <= 4
    assert 1 in codes


def after_its_plan(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Have something happen once the next run has planned, before it does anything."""
    plan_run = run_module.plan_run

    def plan(*arguments: Any) -> Any:
        planned = plan_run(*arguments)
        monkeypatch.setattr(run_module, "plan_run", plan_run)
        happens()
        return planned

    monkeypatch.setattr(run_module, "plan_run", plan)


def test_of_parts_with_other_options_that_start_at_once_only_one_data_sets_are_made(
    video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    after_its_plan(monkeypatch, lambda: make_shards(workers=0, part="0/9"))
    with pytest.raises(LrcnError, match="holds another data set: --quality was 90, is 50"):
        make_shards(workers=0, part="1/9", quality=50)
    (made,) = Path("shards").glob("*.tar")
    assert made.name == "train-000.tar"


def test_a_part_that_others_have_finished_meanwhile_leaves_the_data_set_whole(
    video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video_lists)
    after_its_plan(monkeypatch, lambda: make_shards(workers=0))
    manifests = []
    written = DataSetFolder.write_manifest
    monkeypatch.setattr(
        DataSetFolder,
        "write_manifest",
        lambda folder, manifest: (manifests.append(manifest.complete), written(folder, manifest)),
    )
    assert make_shards(workers=0, part="0/2").videos_done == 0
    assert manifests == [False, True, True]  # the whole run's, and the part's, which finds all


def first_job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ShardJob:
    """The job of a data set's first shard, of a run that got no further."""
    jobs: list[ShardJob] = []

    def none_done(given: list[ShardJob], *_: object, **__: object) -> Any:
        jobs.extend(given)
        raise LrcnError("not this time")
        yield

    monkeypatch.chdir(folder)
    with monkeypatch.context() as stopped:
        stopped.setattr(run_module, "do_jobs", none_done)
        with pytest.raises(LrcnError, match="not this time"):
            make_shards(workers=0)
    return jobs[0]


def test_a_shard_that_two_processes_make_is_put_once(
    video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = first_job(video_lists, monkeypatch)
    seen = []
    for number in (1, 2):
        job = replace(job, scratch=video_lists / f"scratch {number}")
        job.scratch.mkdir()
        put_shard(job, write_shard(job, lambda place: None, lambda report: None))
        assert not list(job.scratch.iterdir())
        files = (video_lists / "shards").rglob("train-000.*")
        seen.append({path.suffix: path.stat().st_ino for path in files})
    assert seen[0] == seen[1]
    assert seen[0].keys() == {".idx", ".json", ".npz", ".tar"}


def test_a_process_whose_run_is_over_puts_nothing_more(
    video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = first_job(video_lists, monkeypatch)
    with job.folder.scratch(".meta") as scratch:
        job = replace(job, scratch=scratch)
        written = write_shard(job, lambda place: None, lambda report: None)
    with pytest.raises(LrcnError, match="can't be written: No such file"):
        put_shard(job, written)
    with pytest.raises(FileNotFoundError):
        write_shard(job, lambda place: None, lambda report: None)
    assert not list((video_lists / "shards").rglob("train-000.*"))


def test_a_shard_is_made_with_the_tools_of_its_run(
    video_lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = first_job(video_lists, monkeypatch)
    assert job.tools is not None
    job = replace(job, tools={**job.tools, "av": "17.0"})
    with pytest.raises(LrcnError, match=r"other tools than .* av was 17\.0, is"):
        write_shard(job, lambda place: None, lambda report: None)


@pytest.mark.parametrize("other", ["--append", "--overwrite", "--retry-failed", "--finish"])
def test_what_changes_a_whole_data_set_is_no_part_of_one(video_lists: Path, other: str) -> None:
    said = shard(video_lists, "--part", "0/2", other, code=2)
    assert other in said.stderr


def test_parts_count_from_0_or_from_1() -> None:
    assert [read_part(f"{n}/3") for n in range(4)] == [Part(n, 3) for n in (0, 1, 2, 0)]
    every = [shard for n in range(3) for shard in Part(n, 3).share(range(8))]
    assert sorted(every) == list(range(8))
    for text in ("4/3", "-1/3", "1", "1/0", "0/0", "a/b", "1/3/5"):
        with pytest.raises(UsageError, match="--part must be I/N"):
            read_part(text)


HOLD = """
import sys
from pathlib import Path
from lrcn_data.storage.folder_lock import part_lock
with part_lock(Path(sys.argv[1]), int(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_part_is_held_beside_others_and_never_twice(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with part_lock(tmp_path, 0) as alone, alone():
        pass
    for held in (part_lock(tmp_path, 1), run_lock(tmp_path)):
        with pytest.raises(LrcnError, match="another run is writing there"), held:
            pass
    holder.communicate("")
    with part_lock(tmp_path, 1), DataSetFolder(tmp_path).lock_part(2):
        pass
    with run_lock(tmp_path):
        pass
