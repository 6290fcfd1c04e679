"""lrcn-train on two machines' worth of processes, and runs that other processes go on with."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.cli.several_processes import NET, same_figures
from tests.commands import call
from tests.free_port import free_port

pytestmark = [pytest.mark.slow, pytest.mark.long]

MakeDataSet = Callable[..., Path]

VALUES = (
    *("--config", "net.toml", "--size", "32x32", "--dropout", "0", "--lr", "1e-2"),
    *("--flip", "0.5", "--jitter", "0.2", "--log-every", "1", "--device", "cpu"),
)


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    """The folder of a data set, and of a net."""
    folder = make_data_set(samples={"train": [6, 5]}, sizes=((32, 32),), seq_len=3).parent
    (folder / "net.toml").write_text(NET)
    return folder


def start_launcher(
    options: Sequence[str], port: int, command: Sequence[str], folder: Path
) -> subprocess.Popen[str]:
    """Start torchrun as on a machine of its own.

    Args:
        options: Its options, but for how the launchers find each other.
        port: The port at which they do.
        command: What its processes train with.
        folder: The folder that it is started in.
    """
    meeting = ("--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}")
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "torch.distributed.run", *options, *meeting),
            *("-m", "lrcn_cli.train", *command),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def on_two_machines(
    command: Sequence[str], folders: Sequence[Path], *, last: Sequence[str] = (), code: int = 0
) -> list[str]:
    """What two launchers say on stderr, each with a process of its own, that meet over the network.

    Args:
        command: What both train with.
        folders: The folder that each is started in.
        last: What each has behind that; none for nothing.
        code: The exit code that both end with.
    """
    port, options = free_port(), ("--nnodes", "2", "--nproc-per-node", "1")
    processes = [
        start_launcher(options, port, [*command, *own], folder)
        for folder, own in zip(folders, [[one] for one in last] or [[], []], strict=True)
    ]
    try:
        said = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            _kill_group(process)
    assert [process.returncode for process in processes] == [code, code], said
    return said


class Machines:
    """Launchers, each as on a machine of its own, whose processes train one run.

    Args:
        machines: The number of launchers.
        each: The number of processes of each.
        command: What they train with.
        folder: The folder that all see.
        least: How many launchers are enough to go on with after a failure; None for all of them.
    """

    def __init__(
        self,
        machines: int,
        each: int,
        command: Sequence[str],
        folder: Path,
        *,
        least: int | None = None,
    ) -> None:
        self.port = free_port()
        options = (
            *("--nnodes", f"{least or machines}:{machines}", "--nproc-per-node", str(each)),
            *("--max-restarts", "0" if least is None else "3"),
            *("--rdzv-conf", "last_call_timeout=2"),
        )
        self.launchers = [
            start_launcher(options, self.port, command, folder) for _ in range(machines)
        ]

    def kill(self, rng: random.Random) -> str:
        """Kill one process, a machine with all of its processes, or all of them."""
        what = rng.choice(["process", "machine", "all"])
        victim = rng.choice(self.launchers)
        if what == "process" and (workers := _children(victim.pid)):
            os.kill(rng.choice(workers), signal.SIGKILL)
            return what
        for launcher in self.launchers if what == "all" else [victim]:
            _kill_group(launcher)
        return "machine" if what == "process" else what

    def ended(self) -> str | None:
        """Wait for all launchers to end by themselves; a fault where one doesn't."""
        try:
            self.said = [launcher.communicate(timeout=150)[1] for launcher in self.launchers]
        except subprocess.TimeoutExpired:
            return "it hangs"
        finally:
            for launcher in self.launchers:
                _kill_group(launcher)
                launcher.communicate()
        return None


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _listens(pid: int, port: int) -> bool:
    """Whether a process has the server at a port."""
    sockets = psutil.Process(pid).net_connections("tcp")
    return any(one.status == "LISTEN" and one.laddr.port == port for one in sockets)


def _kill_group(launcher: subprocess.Popen[str]) -> None:
    for pid in _children(launcher.pid):  # which torchrun starts in sessions of their own
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(launcher.pid, signal.SIGKILL)


def figures_of(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timed = ("clips_per_s", "seconds", "waiting")
    return [{name: v for name, v in line.items() if name not in timed} for line in lines]


def same_lines(one: Path, other: Path) -> None:
    mine, its = figures_of(one), figures_of(other)
    assert len(mine) == len(its)
    for line, expected in zip(mine, its, strict=True):
        same_figures(line, expected, rel=1e-4)


def same_weights(one: Path, other: Path) -> None:
    mine, its = (load_file(run / "weights.safetensors") for run in (one, other))
    torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("again", [False, True])
def test_other_processes_go_on_with_the_same_steps_wherever_the_run_lies(
    folder: Path, tmp_path: Path, again: bool
) -> None:
    # the second machine doesn't see the first one's folder of the run
    other = tmp_path / "other"
    other.mkdir()
    (other / "net.toml").write_text(NET)
    data = ["--shards", str(folder / "shards")]
    epochs = "3" if again else "2"
    alone = [*VALUES, *data, "--batch-size", "4", "--epochs", epochs, "--out", "alone"]
    call("train", *alone, folder=folder)
    train = [*VALUES, *data, "--batch-size", "2", "--out", "run", "--epochs"]
    on_two_machines([*train, "1"], [folder, other])
    said = call("train", *train, "2", folder=folder)
    assert "with 2 processes: a step stays at 4 clips; each process does the work of 2" in (
        said.stdout + said.stderr
    )
    if again:
        on_two_machines([*train, epochs], [folder, other])
    same_lines(folder / "run", folder / "alone")
    assert not (other / "run").exists()


def test_a_machine_with_other_values_is_named_on_all(folder: Path) -> None:
    train = [*VALUES, "--shards", "shards", "--seed"]
    for said in on_two_machines(train, [folder, folder], last=["1", "2"], code=1):
        assert re.search(
            r"process 1 \(on .*\) has seed [12], process 0 \(on .*\) [12]; start", said
        )


def step_of(run: Path) -> int:
    """The last step in metrics.jsonl."""
    try:
        lines = (run / "metrics.jsonl").read_text().splitlines()
        return max(json.loads(line)["step"] for line in lines)
    except (OSError, ValueError):
        return 0


def killed_until_it_ends(
    train: Sequence[str], folder: Path, rng: random.Random, kills: int
) -> tuple[int, str | None]:
    """Train with other machines after each kill; the number of kills, and a fault if any."""
    done = 0
    while True:
        machines, each = rng.choice([(1, 1), (1, 2), (2, 1), (2, 2), (1, 4)])
        running, begun = Machines(machines, each, train, folder), step_of(folder / "run")
        last, deadline = begun + rng.randint(1, 8), time.monotonic() + 150
        while done < kills and step_of(folder / "run") < last:
            if any(one.poll() is not None for one in running.launchers):
                break
            if time.monotonic() > deadline:
                return done, f"{machines} x {each}: no step after {begun}"
            time.sleep(0.01)
        else:
            if done < kills:
                running.kill(rng)
                done += 1
        if fault := running.ended():
            return done, f"{machines} x {each} after step {begun}: {fault}"
        if all(one.returncode == 0 for one in running.launchers):
            return done, None
        if done >= kills and begun == step_of(folder / "run"):
            return done, f"{machines} x {each} after step {begun}: {running.said[-1][-2000:]}"


def test_the_machine_that_is_left_goes_on_by_itself(folder: Path) -> None:
    train = [*VALUES, "--shards", "shards", "--epochs", "30", "--checkpoint-every", "2"]
    train += ["--dropout", "0.3", "--mixup", "0.4", "--batch-size", "2", "--out"]
    assert Machines(2, 1, [*train, "whole"], folder).ended() is None
    machines = Machines(2, 1, [*train, "run"], folder, least=1)
    while step_of(folder / "run") < 9 and machines.launchers[0].poll() is None:
        time.sleep(0.01)
    # torchrun's store, by which the launchers find each other, is with one of them
    lost = next(one for one in machines.launchers if not _listens(one.pid, machines.port))
    _kill_group(lost)
    assert step_of(folder / "run") < step_of(folder / "whole")
    assert machines.ended() is None
    assert [one.returncode == 0 for one in machines.launchers] == [
        one is not lost for one in machines.launchers
    ], machines.said
    assert "each process does the work of 2" in "".join(machines.said)
    same_lines(folder / "run", folder / "whole")
    same_weights(folder / "run", folder / "whole")


@pytest.mark.promise(
    27, "one or two machines' processes killed, others go on: same losses and weights"
)
def test_whatever_processes_are_killed_and_go_on_the_losses_are_the_same(
    make_data_set: MakeDataSet, tmp_path: Path, tally: Any, count: Any
) -> None:
    data = make_data_set(samples={"train": [7, 5]}, sizes=((32, 32),), seq_len=3)
    # begun by four processes of one clip each, with all that is drawn at random
    train = [
        *(*VALUES, "--shards", str(data), "--epochs", "12", "--checkpoint-every", "2"),
        *("--dropout", "0.3", "--mixup", "0.4", "--ema", "0.8", "--out", "run"),
        *("--batch-size", "1"),
    ]
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "net.toml").write_text(NET)
    whole = Machines(1, 4, train, alone)
    assert whole.ended() is None
    rng, wanted, done = random.Random(27), count(2, 50), 0
    while done < wanted:
        folder = tmp_path / f"killed-{done}"
        folder.mkdir()
        (folder / "net.toml").write_text(NET)
        begun = Machines(2, 2, train, folder)
        while step_of(folder / "run") < 2 and begun.launchers[0].poll() is None:
            time.sleep(0.01)
        begun.kill(rng)
        fault = begun.ended()
        kills, later = killed_until_it_ends(train, folder, rng, min(4, wanted - done - 1))
        done += kills + 1
        fault = fault or later
        if fault is None:
            try:
                same_lines(folder / "run", alone / "run")
                same_weights(folder / "run", alone / "run")
            except AssertionError as error:
                fault = f"other figures or weights: {error}"
        for _ in range(kills):
            tally.add(None)
        tally.add(fault)
    tally.note(
        "1, 2 or 4 processes of 1 or 2 launchers, chosen anew after each kill of a process, of a"
        " launcher with its processes, or of all; losses and weights to 1e-4 those of a run left"
        " alone, with dropout, mixup, mirror images and an average of the weights"
    )
    tally.check(wanted)
