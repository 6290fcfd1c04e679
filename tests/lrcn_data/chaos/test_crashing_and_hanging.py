"""Decoders that crash, hang or are stopped: real signals in real worker processes."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.yardstick import within

FAULTS = """
import ctypes, json, os, signal

from lrcn_data.video import decode_av

read_video = decode_av.read_video
faults = json.load(open("faults.json"))


def faulty(file, sink, options):
    fault = faults.get(os.path.basename(file.path))
    if fault is None:
        return read_video(file, sink, options)
    if fault in ("pause", "fifo", "zero", "SIGSTOP"):
        os.mkdir(f"hanging-{os.getpid()}")
    if fault == "pause":
        ctypes.PyDLL(None).pause()  # keeps the interpreter's lock, as a hanging decoder may
    elif fault == "fifo":
        open("fifo", "rb")
    elif fault == "zero":
        with open("/dev/zero", "rb") as endless:
            while True:
                endless.read(1 << 16)
    else:
        os.kill(os.getpid(), getattr(signal, fault))


decode_av.read_video = faulty
"""

FFMPEG = """#!/bin/sh
test "$1" = -version && exec echo ffmpeg version 0
mkdir hanging-$$  # it may not write a file
kill -STOP $$
sleep 600
"""


def plant(runs: Any, faults: dict[str, str]) -> None:
    """Have the decoder of some videos, by name, do something else."""
    hooks = runs.folder / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(FAULTS)
    (runs.folder / "faults.json").write_text(json.dumps(faults))
    runs.hook(hooks)


def rejected(folder: Path) -> dict[str, str]:
    lines = (folder / "rejected.jsonl").read_text().splitlines()
    return {Path(line["path"]).name: line["reason"] for line in map(json.loads, lines)}


@pytest.mark.slow
@pytest.mark.promise(
    7, "a decoder that ends its process by SIGSEGV or SIGKILL whenever it is tried"
)
def test_a_crashing_decoder_costs_its_own_video_only(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    crashes = count(5, 50)
    videos = sorted(
        path.name for path in runs.folder.glob("class*/*") if "clip 5." not in path.name
    )
    rng = random.Random(7)
    while tally.tried < crashes:
        chosen = rng.sample(videos, 5)
        plant(runs, {name: rng.choice(["SIGSEGV", "SIGKILL"]) for name in chosen})
        code, said = runs.run("--out", f"crash{tally.tried}", "--max-bad-fraction", "1")
        found = {} if code else rejected(runs.folder / f"crash{tally.tried}")
        wanted = {**dict.fromkeys(chosen, "crashed"), "clip 5.mp4": "short"}
        for _ in chosen:
            tally.add(None if found == wanted else f"{code}: {found} for {wanted}: {said[-500:]}")
    tally.check(crashes)


def hang(runs: Any, kind: str, limit: float) -> tuple[str | None, float]:
    """A run with one video whose decoder hangs; what is wrong, and for how long it hung."""
    decoder = "av"
    if kind == "stopped ffmpeg":
        decoder = "ffmpeg"
        program = runs.folder / "bin/ffmpeg"
        program.parent.mkdir()
        program.write_text(FFMPEG)
        program.chmod(0o755)
        runs.environment = {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    else:
        os.mkfifo(runs.folder / "fifo")
        plant(runs, {"hang.avi": kind})
    process = runs.start("--decoder", decoder, "--timeout", str(limit), "--max-bad-fraction", "1")
    while not (marks := list(runs.folder.glob("hanging-*"))) and process.poll() is None:
        time.sleep(0.01)
    while psutil.pid_exists(int(marks[0].name.partition("-")[2])):
        time.sleep(0.01)
    hung = time.time() - marks[0].stat().st_mtime
    _, said = process.communicate(timeout=60)
    fault = runs.all_gone(2)
    if not within(hung - limit, limit=2):
        fault = f"{kind}: hung for {hung:.1f} s, the limit was {limit}"
    reasons = rejected(runs.folder / "shards") if (runs.folder / "shards").exists() else {}
    if process.returncode not in (0, 1) or reasons != {"hang.avi": "timeout"}:
        fault = f"{kind}: {process.returncode}, {reasons}: {said[-500:]}"
    return fault, hung


@pytest.mark.slow
@pytest.mark.promise(
    5, "a decoder that hangs (FIFO, /dev/zero, pause with the interpreter's lock, stopped process)"
)
def test_a_hanging_decoder_is_ended_at_the_limit(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    hangs = count(5, 100)
    kinds = ("pause", "fifo", "zero", "SIGSTOP", "stopped ffmpeg")
    limit = 1.0
    beyond: list[float] = []

    def one(number: int) -> None:
        kind = kinds[number % len(kinds)]
        here = type(runs)(runs.folder / f"hang{number}")
        here.folder.mkdir()
        names = ["hang.avi"] if kind == "stopped ffmpeg" else ["hang.avi", "good.avi"]
        for name in names:
            (here.folder / name).write_bytes((runs.folder / "class0/clip 0.avi").read_bytes())
        (here.folder / "train.txt").write_text("".join(f"{name} 0\n" for name in names))
        here.arguments = ["--allow-one-class", "--workers", "1"]
        fault, hung = hang(here, kind, limit)
        beyond.append(hung - limit)
        tally.add(fault)

    each(one, range(hangs), at_once=3)
    tally.note(f"the longest hung {max(beyond):.2f} s beyond its limit of {limit:g} s")
    tally.check(hangs)


@pytest.mark.promise(5, "a FIFO, a device, a folder or a dangling link under a video's name")
@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
@pytest.mark.parametrize("kind", ["fifo", "zero", "folder", "dangling"])
def test_what_is_no_regular_file_is_refused_in_the_list(
    tmp_path: Path, tally: Any, decoder: str, kind: str
) -> None:
    path = tmp_path / "video.avi"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if kind == "zero" else tmp_path / "gone")
    from lrcn_data.errors import VideoError
    from lrcn_data.video.decoding import DecodeOptions
    from tests.lrcn_data.read_path import by_av, by_ffmpeg

    read: Any = {"av": by_av, "ffmpeg": by_ffmpeg}[decoder]
    began = time.process_time()
    with pytest.raises(VideoError) as caught:
        read(path, None, DecodeOptions())
    assert caught.value.reason == "missing"
    assert within(time.process_time() - began, limit=1)
    tally.add()
