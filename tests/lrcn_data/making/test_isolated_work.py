"""Workers that crash, hang or are killed cost the video they were at, and nothing else."""

from __future__ import annotations

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.making.isolated_work import Death, IsolatedWork, job_after
from lrcn_data.making.shard_job import ShardJob, VideoReport
from tests.commands import call
from tests.lrcn_data.making.empty_job import empty_job

SHARD = [sys.executable, "-m", "lrcn_cli.data", "shard", "--classes", "classes.txt"]

FAULTS = """
import ctypes, os, signal, time
from pathlib import Path

from lrcn_data.video import decode_av

read_video = decode_av.read_video


def faulty(file, sink, options):
    path = Path(file.path)
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise" in path.name:
        raise AttributeError("a library's own fault")
    if "memory" in path.name:
        bytearray(1 << 40)
    if "slow" in path.name:
        path.with_name("touched").touch()
        time.sleep(0.5)
    if "hang" in path.name:
        ctypes.PyDLL(None).pause()  # keeps the interpreter's lock, as a hanging decoder may
    return read_video(file, sink, options)


decode_av.read_video = faulty
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run `lrcn-data shard` with a decoder that crashes or hangs on videos named so."""
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(FAULTS)
    return subprocess.Popen(
        [*SHARD, "--max-bad-fraction", "1", "--json", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(hooks)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def reasons(folder: Path) -> dict[str, str]:
    lines = (folder / "shards/rejected.jsonl").read_text().splitlines()
    return {record["path"]: record["reason"] for record in map(json.loads, lines)}


def rename(folder: Path, name: str, new: str) -> None:
    (folder / name).rename(folder / new)
    for split in ("train", "test"):
        path = folder / f"{split}.txt"
        path.write_text(path.read_text().replace(name, new))


def test_a_decoder_that_crashes_costs_its_video_only(video_lists: Path) -> None:
    rename(video_lists, "class0/clip 0.avi", "class0/crash 0.avi")
    rename(video_lists, "class1/clip 29.mp4", "class1/crash 29.mp4")
    output, said = start(video_lists, "--workers", "2").communicate(timeout=60)
    result = json.loads(output)
    assert (result["clips"], result["failed"]) == (27, 2), said
    assert reasons(video_lists) == {
        "class0/crash 0.avi": "crashed",
        "class0/clip 4.mp4": "short",
        "class1/crash 29.mp4": "crashed",
    }
    detail = (video_lists / "shards/rejected.jsonl").read_text()
    assert "ended 2 times with SIGSEGV" in detail


def test_a_library_that_raises_anything_costs_its_video_only(video_lists: Path) -> None:
    rename(video_lists, "class0/clip 0.avi", "class0/raise 0.avi")
    rename(video_lists, "class1/clip 29.mp4", "class1/memory 29.mp4")
    output, said = start(video_lists).communicate(timeout=60)
    assert json.loads(output)["clips"] == 27, said
    assert reasons(video_lists) == {
        "class0/raise 0.avi": "crashed",
        "class0/clip 4.mp4": "short",
        "class1/memory 29.mp4": "too-large",
    }
    detail = (video_lists / "shards/rejected.jsonl").read_text()
    assert "a library's own fault" in detail


def test_a_decoder_that_hangs_is_ended_at_the_limit(video_lists: Path) -> None:
    rename(video_lists, "class1/clip 5.mp4", "class1/hang 5.mp4")
    began = time.monotonic()
    output, said = start(video_lists, "--timeout", "1").communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert json.loads(output)["clips"] == 28, said
    assert reasons(video_lists)["class1/hang 5.mp4"] == "timeout"


@pytest.mark.slow
def test_workers_killed_at_random_lose_nothing(video_lists: Path) -> None:
    options = ["--workers", "2", "--videos-per-shard", "2", "--max-bad-fraction", "1"]
    run = start(video_lists, *options)
    rng = random.Random(0)
    killed = 0
    while run.poll() is None and killed < 8:
        workers = [
            child
            for child in psutil.Process(run.pid).children(recursive=True)
            if child.ppid() != run.pid
        ]
        if workers:
            with suppress(psutil.NoSuchProcess):
                rng.choice(workers).kill()
                killed += 1
        time.sleep(rng.uniform(0.05, 0.4) if workers else 0.01)
    output, said = run.communicate(timeout=60)
    result = json.loads(output)
    assert killed
    # only two kills at one video leave it out
    assert 2 * result["failed"] <= killed
    assert (result["clips"] + result["failed"], result["skipped"]) == (29, 1), said
    output, said = start(video_lists, *options, "--retry-failed").communicate(timeout=60)
    assert json.loads(output)["clips"] == 29, said


def test_the_ffmpeg_decoder_is_ended_at_the_limit_too(video_lists: Path) -> None:
    sleeper = video_lists / "bin/ffmpeg"
    sleeper.parent.mkdir()
    sleeper.write_text('#!/bin/sh\ntest "$1" = -version && exec echo ffmpeg version 0\nsleep 600\n')
    sleeper.chmod(0o755)
    (video_lists / "train.txt").write_text("class0/clip 0.avi class0\n")
    (video_lists / "test.txt").unlink()
    done = subprocess.run(
        [*SHARD, "--decoder", "ffmpeg", "--timeout", "1"],
        cwd=video_lists,
        env={**os.environ, "PATH": f"{sleeper.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert reasons(video_lists) == {"class0/clip 0.avi": "timeout"}
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if str(sleeper) in str(p.info["cmdline"])
    ]


def test_a_decoder_that_crashes_costs_its_video_only_in_the_estimate_too(
    video_lists: Path,
) -> None:
    rename(video_lists, "class0/clip 0.avi", "class0/crash 0.avi")
    output, said = start(video_lists, "--sampling", "windows").communicate(timeout=60)
    assert json.loads(output)["failed"] == 1, said
    output, said = start(video_lists, "--out", "other", "--dry-run").communicate(timeout=60)
    assert json.loads(output)["estimated_bytes"] > 0, said


def test_time_in_which_a_run_is_stopped_counts_against_no_video(video_lists: Path) -> None:
    rename(video_lists, "class0/clip 0.avi", "class0/slow 0.avi")
    run = start(video_lists, "--timeout", "1")
    while not (video_lists / "class0/touched").exists():
        time.sleep(0.01)
        assert run.poll() is None
    family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    time.sleep(2)
    for process in family:
        process.resume()
    output, said = run.communicate(timeout=60)
    assert json.loads(output)["clips"] == 29, said


def answer_and_die(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]
) -> str:
    threading.Timer(0.05, os._exit, (1,)).start()
    return job.shard.name


SLOW_END = 0.6
"""Seconds."""


def end_slowly(job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]) -> str:
    started(0)
    ended(VideoReport(clips=1))
    time.sleep(SLOW_END)
    return job.shard.name


def die(job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]) -> str:
    os._exit(3)


def die_at_the_second_video(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]
) -> int:
    for position in range(3):
        started(position)
        if position == 1 and position not in job.quarantine:
            os.kill(os.getpid(), signal.SIGKILL)
        ended(VideoReport(clips=position))
    return os.getpid()


def fail_or_wait(
    job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]
) -> None:
    if job.shard.name == "fails":
        raise OSError(28, "No space left on device")
    time.sleep(60)


def say_who(job: ShardJob, started: Callable[[int], None], ended: Callable[[Any], None]) -> int:
    time.sleep(0.2)
    return os.getpid()


@pytest.mark.timeout(60)
def test_a_worker_that_dies_after_its_work_is_replaced() -> None:
    with closing(IsolatedWork(work=answer_and_die, timeout=5)) as do:
        for name in ("0", "1", "2"):
            assert do(empty_job(name)).result == name
            time.sleep(0.3)


@pytest.mark.timeout(60)
def test_what_comes_after_a_video_counts_against_none() -> None:
    reports: list[Any] = []
    with closing(IsolatedWork(work=end_slowly, timeout=0.2, on_video=reports.append)) as do:
        assert [do(empty_job(name)).result for name in ("0", "1")] == ["0", "1"]
    assert len(reports) == 2


@pytest.mark.timeout(60)
def test_a_video_is_reported_while_its_job_goes_on() -> None:
    reported: list[float] = []

    def on_video(report: VideoReport) -> None:
        reported.append(time.monotonic())

    with closing(IsolatedWork(work=end_slowly, timeout=60, on_video=on_video)) as do:
        do(empty_job())
    assert time.monotonic() - reported[0] > SLOW_END / 2


@pytest.mark.timeout(60)
def test_workers_that_die_between_videos_are_an_error_after_three() -> None:
    with (
        closing(IsolatedWork(work=die, timeout=5)) as do,
        pytest.raises(LrcnError, match=r"train-000: its worker died 3 times \(exit code 3\)"),
    ):
        do(empty_job())


@pytest.mark.timeout(60)
def test_a_job_that_is_done_again_reports_its_videos_again() -> None:
    reports: list[VideoReport] = []
    work = IsolatedWork(work=die_at_the_second_video, timeout=5, on_video=reports.append)
    with closing(work) as do:
        done = do(empty_job())
    assert [report.clips for report in reports] == [0, 0, 0, 1, 2]
    assert done.reports == reports


@pytest.mark.timeout(60)
def test_threads_have_a_worker_each_which_the_next_jobs_use_again() -> None:
    with (
        closing(IsolatedWork(work=say_who, timeout=5)) as do,
        ThreadPoolExecutor(2) as threads,
    ):
        pids = {done.result for done in threads.map(do, map(empty_job, "0123456"))}
    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids))


@pytest.mark.timeout(30)
def test_an_error_that_is_no_videos_ends_the_jobs_of_all_threads() -> None:
    with (
        closing(IsolatedWork(work=fail_or_wait, timeout=5)) as do,
        ThreadPoolExecutor(2) as threads,
    ):
        futures = [
            threads.submit(do, empty_job(name)) for name in ("waits", "fails", "comes later")
        ]
        for future in futures:
            with pytest.raises(LrcnError, match="fails can't be written: No space left on device"):
                future.result()


@pytest.mark.timeout(30)
def test_closing_ends_a_job_that_another_thread_waits_for() -> None:
    do = IsolatedWork(work=fail_or_wait, timeout=5)
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(do, empty_job("waits"))
        time.sleep(0.5)
        do.close()
        with pytest.raises(LrcnError, match="the run has been ended"):
            future.result()


@pytest.mark.timeout(60)
def test_a_pickled_copy_does_the_same_with_workers_of_its_own() -> None:
    reports: list[VideoReport] = []
    do = IsolatedWork(work=die_at_the_second_video, timeout=5, on_video=reports.append)
    with closing(do), closing(pickle.loads(pickle.dumps(do))) as copy:
        mine, other = do(empty_job()), copy(empty_job())
    assert mine.result != other.result
    assert mine.reports == other.reports == reports
    assert (mine.told, other.told) == (True, False)


def test_a_copy_that_is_no_longer_used_has_no_workers_left() -> None:
    copy = pickle.loads(pickle.dumps(IsolatedWork(work=die_at_the_second_video, timeout=5)))
    copy(empty_job())
    (worker,) = copy._idle
    assert worker.alive
    del copy
    assert worker._process.exitcode == -signal.SIGKILL


def death(position: int | None, *, overdue: bool = False) -> Death:
    return Death(position=position, how="SIGSEGV", overdue=overdue)


def test_a_video_that_crashes_has_two_tries() -> None:
    assert job_after(death(4), 1, empty_job(), 5) == empty_job()
    again = job_after(death(4), 2, empty_job(), 5)
    assert again == replace(empty_job(), quarantine=again.quarantine)
    assert {position: str(error) for position, error in again.quarantine.items()} == {
        4: "crashed: the decoder's process ended 2 times with SIGSEGV"
    }


def test_a_video_that_hangs_has_one_try() -> None:
    again = job_after(death(4, overdue=True), 1, empty_job(), 2.5)
    assert {position: str(error) for position, error in again.quarantine.items()} == {
        4: "timeout: decoding took longer than 2.5 s"
    }


def test_a_video_that_ended_a_worker_before_stays_left_out() -> None:
    once = job_after(death(4, overdue=True), 1, empty_job(), 5)
    assert sorted(job_after(death(2), 2, once, 5).quarantine) == [2, 4]


def test_a_death_between_videos_leaves_none_out() -> None:
    assert (
        job_after(death(None), 1, empty_job(), 5)
        == job_after(death(None), 2, empty_job(), 5)
        == empty_job()
    )
    # a video that ended just before its worker was ended for it
    assert job_after(death(None, overdue=True), 1, empty_job(), 5) == empty_job()


@pytest.mark.parametrize(
    ("timeout", "why"),
    [
        ("0", "0.0 is not in the range x>0"),
        ("-1", "-1.0 is not in the range x>0"),
        ("nan", "must be above 0 and at most 1,000,000 seconds, got nan"),
        ("inf", "must be above 0 and at most 1,000,000 seconds, got inf"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(video_lists: Path, timeout: str, why: str) -> None:
    said = call("data", "shard", "--timeout", timeout, folder=video_lists, code=2).stderr
    [line] = said.splitlines()
    assert line.startswith("error: ")
    assert "--timeout" in line
    assert why in line
