"""Workers that crash, hang or are killed cost the video they were at, and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SHARD = [sys.executable, "-m", "lrcn_cli.data", "shard", "--classes", "classes.txt"]

FAULTS = """
import ctypes, os, signal

from lrcn_data import decode_av

read_video = decode_av.read_video


def faulty(path, sink, options):
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "raise" in path.name:
        raise AttributeError("a library's own fault")
    if "memory" in path.name:
        bytearray(1 << 40)
    if "hang" in path.name:
        ctypes.PyDLL(None).pause()  # keeps the interpreter's lock, as a hanging decoder may
    return read_video(path, sink, options)


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
    run = start(video_lists, "--workers", "2", "--videos-per-shard", "2")
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
    assert (result["clips"], result["failed"], result["skipped"]) == (29, 0, 1), said


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
