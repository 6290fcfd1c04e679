"""Workers that crash, hang or are killed cost the video they were at, and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from lrcn_data.making.worker_pool import WorkerPool

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
        time.sleep(1)
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
    output, said = start(video_lists, "--timeout", "2").communicate(timeout=60)
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
        time.sleep(rng.uniform(0.05, 0.4))
        workers = [
            child
            for child in psutil.Process(run.pid).children(recursive=True)
            if child.ppid() != run.pid
        ]
        if workers:
            rng.choice(workers).send_signal(signal.SIGKILL)
            killed += 1
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
    run = start(video_lists, "--timeout", "1.5")
    while not (video_lists / "class0/touched").exists():
        time.sleep(0.01)
        assert run.poll() is None
    family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    time.sleep(4)
    for process in family:
        process.resume()
    output, said = run.communicate(timeout=60)
    assert json.loads(output)["clips"] == 29, said


def jobs(count: int) -> list[Any]:
    return [SimpleNamespace(shard=SimpleNamespace(name=str(number))) for number in range(count)]


def answer_and_die(job: Any, started: Callable[[int], None], ended: Callable[[Any], None]) -> str:
    threading.Timer(0.05, os._exit, (1,)).start()
    return str(job.shard.name)


def end_slowly(job: Any, started: Callable[[int], None], ended: Callable[[Any], None]) -> str:
    started(0)
    ended(None)
    time.sleep(2)
    return str(job.shard.name)


@pytest.mark.timeout(60)
def test_a_worker_that_dies_after_its_work_is_replaced() -> None:
    pool = WorkerPool(work=answer_and_die, workers=1, timeout=5, on_video=lambda report: None)
    done = []
    for name in pool.run(jobs(3)):
        time.sleep(0.3)
        done.append(name)
    assert done == ["0", "1", "2"]


@pytest.mark.timeout(60)
def test_what_comes_after_a_video_counts_against_none() -> None:
    reports: list[Any] = []
    pool = WorkerPool(work=end_slowly, workers=1, timeout=0.2, on_video=reports.append)
    assert list(pool.run(jobs(2))) == ["0", "1"]
    assert len(reports) == 2


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf"])
def test_a_limit_that_makes_no_sense_is_refused(video_lists: Path, timeout: str) -> None:
    run = start(video_lists, "--timeout", timeout)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2
    assert said == (
        f"error: --timeout must be above 0 and at most 1,000,000 seconds, got {float(timeout)}\n"
    )
