"""Runs that are killed, stopped, or started many times at once."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.yardstick import within

HOLD = """
import os, time

from lrcn_data.video import decode_av

read_video = decode_av.read_video


def held(file, sink, options):
    while not os.path.exists("go"):
        time.sleep(0.05)
    return read_video(file, sink, options)


decode_av.read_video = held
"""


@pytest.mark.slow
@pytest.mark.promise(9, "kill -9 of a run at a random moment, then the same command")
def test_killed_runs_end_with_the_tree_of_an_undisturbed_one(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    kills = count(8, 200)
    whole, seconds = runs.whole()
    alone = 0

    def chain(number: int) -> None:
        """Kill four times, look at the folder after each, then let it end."""
        nonlocal alone
        rng = random.Random(number)
        out, faults, done = f"killed{number}", [], 0
        while done < 4:
            process = runs.start("--out", out, group=True)
            time.sleep(rng.uniform(0.1, 1.1 * seconds))
            if process.poll() is None:
                if rng.random() < 0.5:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
                    alone += 1
            process.communicate()
            done += process.returncode == -signal.SIGKILL
            if process.returncode != -signal.SIGKILL:
                faults.append(None if process.returncode == 0 else f"{out}: {process.returncode}")
            faults.append(runs.broken(out, whole))
        faults.append(runs.resumed(out, whole))
        for _ in range(done):
            tally.add(next(filter(None, faults), None))

    each(chain, range(kills // 4))
    tally.note(
        f"{kills // 4} folders, each killed 4 times; {alone} kills were of the main process alone"
    )
    tally.check(kills)


@pytest.mark.slow
@pytest.mark.promise(9, "kill -9 of an append at a random moment, then the same command")
def test_killed_appends_leave_the_old_data_set_and_end_with_the_tree_of_an_undisturbed_one(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    kills = count(6, 200)
    lines = (runs.folder / "train.txt").read_text().splitlines(keepends=True)
    (runs.folder / "train.txt").write_text("".join(lines[:8]))
    assert runs.run("--out", "first")[0] == 0
    first = runs.tree("first")
    (runs.folder / "train.txt").write_text("".join(lines))
    shutil.copytree(runs.folder / "first", runs.folder / "whole")
    whole, seconds = runs.whole("--append")

    def kill(number: int) -> None:
        """Kill an append once, look at the folder, then let it end."""
        rng, out = random.Random(number), f"killed{number}"
        shutil.copytree(runs.folder / "first", runs.folder / out)
        killed = False
        while not killed:
            process = runs.start("--out", out, "--append", group=True)
            time.sleep(rng.uniform(0.1, seconds))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            killed = process.returncode == -signal.SIGKILL
            if not killed:
                shutil.rmtree(runs.folder / out)
                shutil.copytree(runs.folder / "first", runs.folder / out)
        tree = runs.tree(out)
        old = {name: found for name, found in first.items() if name.endswith((".tar", ".idx"))}
        fault = runs.broken(out, whole)
        if not old.items() <= tree.items():
            fault = f"{out}: the old shards have changed"
        if tree["dataset.json"] not in (first["dataset.json"], whole["dataset.json"]):
            fault = f"{out}: dataset.json is neither that of before nor that of afterwards"
        tally.add(fault or runs.resumed(out, whole, "--append"))

    each(kill, range(kills))
    tally.check(kills)


@pytest.mark.slow
@pytest.mark.promise(10, "SIGINT (Ctrl-C, to the process group) or SIGTERM at a random moment")
def test_stopped_runs_end_soon_with_their_code_and_leave_nothing_behind(
    runs: Any, tally: Any, count: Callable[[int, int], int]
) -> None:
    stops = count(6, 50)
    _, seconds = runs.whole()
    rng = random.Random(10)
    longest = early = 0.0
    for number in itertools.count():
        if tally.tried == stops:
            break
        out = f"stopped{number}"
        process = runs.start("--out", out, group=True)
        time.sleep(rng.uniform(0.05, seconds))
        sign, code = rng.choice([(signal.SIGINT, 130), (signal.SIGTERM, 143)])
        if process.poll() is not None:
            process.communicate()
            seconds *= 0.9  # the first run was slower than this one
            continue
        began = time.monotonic()
        if sign == signal.SIGINT:
            os.killpg(process.pid, sign)
        else:
            process.send_signal(sign)
        _, said = process.communicate(timeout=60)
        took = time.monotonic() - began
        if process.returncode == 0:
            continue  # it was done before the signal came
        early += process.returncode == -sign  # a shell shows it as 128 + number
        longest = max(longest, took)
        fault = None
        if (
            process.returncode not in (code, -sign)
            or not within(took, limit=5)
            or "Traceback" in said
        ):
            fault = f"{out}: {sign.name}: {process.returncode} after {took:.1f} s: {said[-800:]}"
        if left := runs.leftovers(out):
            fault = f"{out}: {left} are left"
        tally.add(fault or runs.all_gone(2))
    tally.note(
        f"the longest took {longest:.1f} s; {early:.0f} came before the interpreter had set up"
        " its handling and ended it by the signal itself, which shells show as the same codes"
    )
    tally.check(stops)


@pytest.mark.slow
@pytest.mark.promise(12, "starts at the same time into one folder, of which one may run")
def test_of_many_runs_into_one_folder_exactly_one_runs(
    runs: Any, tally: Any, count: Callable[[int, int], int]
) -> None:
    starts = count(5, 50)
    whole, _ = runs.whole()
    hooks = runs.folder / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(HOLD)
    runs.hook(hooks)
    processes = [runs.start("--out", "one") for _ in range(starts)]
    limit = time.monotonic() + 120
    while sum(process.poll() is None for process in processes) > 1 and time.monotonic() < limit:
        time.sleep(0.1)
    (runs.folder / "go").touch()
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    ran = sum(code == 0 for _, code in ends)
    for said, code in ends:
        refused = code == 1 and "another run is writing there" in said
        tally.add(None if refused or (code == 0 and ran == 1) else f"{ran} ran; {code}: {said}")
    assert runs.tree("one") == whole
    tally.check(starts)


@pytest.mark.slow
@pytest.mark.promise(12, "a restart right after kill -9 of the owner of the folder")
def test_a_dead_owner_does_not_keep_the_folder(
    runs: Any, tally: Any, count: Callable[[int, int], int]
) -> None:
    restarts = count(2, 20)
    whole, seconds = runs.whole()
    rng = random.Random(12)
    for number in range(restarts):
        process = runs.start("--out", f"owner{number}")
        while not (runs.folder / f"owner{number}/.lock").exists():
            time.sleep(0.005)
        time.sleep(rng.uniform(0, seconds / 2))
        process.kill()
        tally.add(runs.resumed(f"owner{number}", whole))
        process.communicate()
    tally.check(restarts)
