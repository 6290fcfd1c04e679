"""Disks that are full, break or are limited, wherever in a run it strikes."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LIMITED = (
    "import os, resource, sys; size = int(sys.argv[1]);"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); os.execv(sys.argv[2], sys.argv[2:])"
)

# one process for many runs: its fork server, and so its workers, have the library preloaded too
MANY_RUNS = """
import json, sys

from lrcn_cli.data_shard import command
from lrcn_data.errors import LrcnError

for line in sys.stdin:
    try:
        command.main(json.loads(line), standalone_mode=False)
        answer = ""
    except LrcnError as error:
        answer = str(error)
    except BaseException as error:
        answer = f"not an error of ours: {error!r}"
    print("ended", json.dumps(answer), flush=True)
"""

KINDS = {1: "write", 2: "fsync", 3: "rename"}


def clear(code: int, said: str) -> bool:
    """Whether a run ended with one clear line."""
    return code == 1 and "Traceback" not in said and said.splitlines()[-1].startswith("error: ")


@pytest.mark.slow
@pytest.mark.promise(11, "a limit on the size of files (RLIMIT_FSIZE), then the same command")
def test_a_file_limit_breaks_no_shard(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    sizes = count(5, 50)
    whole, _ = runs.whole()
    largest = max(path.stat().st_size for path in (runs.folder / "whole").rglob("*"))

    def one(number: int) -> None:
        size, out = 1 + number * largest // sizes, f"limit{number}"
        code, said = runs.run("--out", out, before=[sys.executable, "-c", LIMITED, str(size)])
        fault = None if clear(code, said) else f"{size} bytes: {code}: {said[-800:]}"
        fault = fault or runs.broken(out, whole)
        if left := runs.leftovers(out):
            fault = f"{size} bytes: {left} are left"
        tally.add(fault or runs.resumed(out, whole))

    each(one, range(sizes))
    tally.check(sizes)


@pytest.mark.slow
@pytest.mark.promise(
    11, "a full disk (small tmpfs of different sizes), then more room and the same command"
)
def test_a_full_disk_breaks_no_shard(
    runs: Any, tally: Any, count: Callable[[int, int], int], tmp_path: Path
) -> None:
    sizes = count(3, 20)
    whole, _ = runs.whole()
    room = sum(path.stat().st_size for path in (runs.folder / "whole").rglob("*"))
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(*arguments: str) -> int:
        command = ["mount", "-t", "tmpfs", *arguments, "none", str(disk)]
        return subprocess.run(command, capture_output=True).returncode

    if not shutil.which("mount") or mount("-o", "size=1m"):
        pytest.skip("no tmpfs may be mounted here")
    try:
        for number in range(sizes):
            kilobytes = 4 + number * room // sizes // 1100
            assert mount("-o", f"remount,size={kilobytes}k") == 0
            code, said = runs.run("--out", "disk/out")
            fault = None if clear(code, said) else f"{kilobytes} KB: {code}: {said[-800:]}"
            if (disk / "out").exists():
                fault = fault or runs.broken("disk/out", whole)
                if left := runs.leftovers("disk/out"):
                    fault = f"{kilobytes} KB: {left} are left"
            assert mount("-o", "remount,size=64m") == 0
            tally.add(fault or runs.resumed("disk/out", whole))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    tally.check(sizes)


class FaultyRuns:
    """A process that does one run after the other with a preloaded library of failing calls."""

    def __init__(self, runs: Any, number: int) -> None:
        library = runs.folder / "failing_calls.so"
        self._fault = runs.folder / f"fault{number}"
        self._fault.write_bytes(bytes(24))
        self._process = subprocess.Popen(
            [sys.executable, "-c", MANY_RUNS],
            cwd=runs.folder,
            env={**os.environ, "LD_PRELOAD": str(library), "LRCN_FAULT_FILE": str(self._fault)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._arguments = runs.arguments

    def run(self, out: Path, kind: int = 0, place: int = 0) -> tuple[str, bool]:
        """What the run said, empty if it was well, and whether the fault struck."""
        with self._fault.open("r+b") as file, mmap.mmap(file.fileno(), 24) as shared:
            shared[:] = struct.pack("lll", kind, place, 0)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            arguments = [*self._arguments, "--out", str(out)]
            print(json.dumps(arguments), file=self._process.stdin, flush=True)
            for line in self._process.stdout:
                if line.startswith("ended "):
                    struck = struct.unpack("lll", shared[:])[2] != 0
                    shared[:] = bytes(24)
                    return json.loads(line[6:]), struck
        raise AssertionError("the process of the runs has died")

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


@pytest.mark.slow
@pytest.mark.promise(11, "the n-th write, fsync or rename fails, then the same command")
def test_a_failing_call_breaks_no_shard(
    runs: Any, tally: Any, count: Callable[[int, int], int], each: Callable[..., None]
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no compiler cc for the library of failing calls")
    source = Path(__file__).with_name("failing_calls.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", "failing_calls.so", str(source), "-ldl"]
    subprocess.run(command, cwd=runs.folder, check=True)
    videos = count(6, 52)
    (runs.folder / "train.txt").write_text("")
    for number in range(videos):
        name = f"many/{number}.avi"
        (runs.folder / "many").mkdir(exist_ok=True)
        (runs.folder / name).write_bytes((runs.folder / "class0/clip 0.avi").read_bytes())
        with (runs.folder / "train.txt").open("a") as file:
            file.write(f"{name} class{number % 2}\n")
    (runs.folder / "test.txt").unlink()
    runs.arguments = ["--workers", "1", "--videos-per-shard", "1", "--seq-len", "2"]
    runs.arguments += ["--mean-size", "8x8"]
    whole, _ = runs.whole()
    places = range(1, 201) if videos > 6 else range(1, 20, 6)
    faults = list(itertools.product(KINDS, places))
    processes = [FaultyRuns(runs, number) for number in range(2)]
    missed = []

    def half(number: int) -> None:
        for kind, place in faults[number::2]:
            folder = Path(f"faulty/{KINDS[kind]}{place}")
            said, struck = processes[number].run(runs.folder / folder, kind, place)
            fault = None
            if struck and "can't be written" not in said:
                fault = f"{folder}: {said or 'nothing was said'}"
            if not struck:
                missed.append((kind, place))
                fault = f"{folder}: {said}" if said else None
            fault = fault or runs.broken(str(folder), whole)
            if left := runs.leftovers(str(folder)):
                fault = f"{folder}: {left} are left"
            said, _ = processes[number].run(runs.folder / folder)
            if said or runs.tree(str(folder)) != whole:
                fault = fault or f"{folder}: the resumed run: {said or 'another tree'}"
            shutil.rmtree(runs.folder / folder)
            tally.add(fault)

    try:
        each(half, range(2))
    finally:
        for process in processes:
            process.end()
    tally.note(
        f"{len(places)} places of each of write (ENOSPC), fsync and rename (EIO) in runs of"
        f" {videos} shards; {len(missed)} came after the run's last such call"
    )
    tally.check(len(faults))
