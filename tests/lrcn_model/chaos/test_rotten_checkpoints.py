"""Checkpoints that were half written, damaged, or made to execute something."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import LrcnError
from lrcn_model.processor import choose_processor
from lrcn_model.scoring.trained_run import load_run
from lrcn_model.training.checkpoint import CheckpointError, Checkpoints
from tests.commands import call

Count = Callable[[int, int], int]
VALUES = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--batch-size", "2"]
VALUES += ["--workers", "0", "--device", "cpu"]


def state(number: int) -> dict[str, Any]:
    return {"weights": torch.full((300,), float(number)), "progress": {"step": number}}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    kept = Checkpoints(tmp_path)
    kept.save(state(1))
    kept.save(state(2))
    return kept


def fault_of_loading(checkpoints: Checkpoints) -> str | None:
    """A fault unless the one before is used, and a line names the damaged one."""
    warnings: list[str] = []
    try:
        loaded = checkpoints.load(warnings.append)
    except LrcnError as error:
        return f"nothing was loaded: {error}"
    if loaded is None or loaded["progress"] != {"step": 1}:
        return "the damaged one was used"
    if not torch.equal(loaded["weights"], state(1)["weights"]):
        return "the one before was changed"
    loud = len(warnings) == 1 and "last.pt can't be read" in warnings[0]
    return None if loud and "previous.pt, the one before" in warnings[0] else f"{warnings}"


@pytest.mark.promise(19, "a bit flipped in last.pt: the one before is used, loudly")
def test_every_flipped_bit_is_noticed_and_the_one_before_is_used(
    checkpoints: Checkpoints, tally: Any, count: Count
) -> None:
    sound = checkpoints.last.read_bytes()
    rng = random.Random(19)
    flips = count(40, 400)
    for _ in range(flips):
        damaged = bytearray(sound)
        place, bit = rng.randrange(len(sound)), 1 << rng.randrange(8)
        damaged[place] ^= bit
        checkpoints.last.write_bytes(damaged)
        fault = fault_of_loading(checkpoints)
        tally.add(fault and f"byte {place} bit {bit}: {fault}")
    tally.check(flips)


@pytest.mark.promise(19, "last.pt cut short: the one before is used, loudly")
def test_every_cut_is_noticed_and_the_one_before_is_used(
    checkpoints: Checkpoints, tally: Any, count: Count
) -> None:
    sound = checkpoints.last.read_bytes()
    rng = random.Random(19)
    cuts = count(20, 100)
    lengths = [0, 1, len(sound) - 1, *(rng.randrange(len(sound)) for _ in range(cuts - 3))]
    for length in lengths:
        checkpoints.last.write_bytes(sound[:length])
        fault = fault_of_loading(checkpoints)
        tally.add(fault and f"cut at byte {length}: {fault}")
    tally.check(cuts)


# one process forks another for every kill, so that torch is imported once
SAVING = """
import os, random, signal, sys, time
from pathlib import Path

import torch

from lrcn_model.training.checkpoint import Checkpoints

torch.set_num_threads(1)
rng = random.Random(19)
for number in range(int(sys.argv[2])):
    folder = Path(sys.argv[1], str(number))
    folder.mkdir()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        kept, saved = Checkpoints(folder), 0
        while True:
            saved += 1
            kept.save({"weights": torch.full((300_000,), float(saved)), "progress": saved})
            os.write(theirs, b".")
    os.close(theirs)
    before = len(os.read(ours, 1)) if number % 4 else 0
    time.sleep(rng.uniform(0, 0.1))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(before + len(os.read(ours, 1 << 16)), flush=True)
    os.close(ours)
"""


@pytest.mark.slow
@pytest.mark.promise(19, "kill -9 while saving: the last one saved is sound")
def test_a_process_killed_while_saving_leaves_a_sound_checkpoint(
    tmp_path: Path, tally: Any, count: Count
) -> None:
    kills = count(10, 200)
    done = subprocess.run(
        [sys.executable, "-c", SAVING, str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    half_written = first = 0
    for number, said in enumerate(done.stdout.splitlines()):
        saved, folder = int(said), tmp_path / str(number)
        half_written += (folder / "last.pt.tmp").exists()
        warnings: list[str] = []
        loaded = Checkpoints(folder).load(warnings.append)
        found = 0 if loaded is None else loaded["progress"]
        first += not found
        fault = None
        if warnings or found not in (saved, saved + 1):
            fault = f"kill {number}: {saved} were saved, found {found}; {warnings}"
        elif loaded and not torch.equal(
            loaded["weights"], torch.full((300_000,), float(loaded["progress"]))
        ):
            fault = f"kill {number}: weights of another checkpoint"
        tally.add(fault)
    tally.note(f"{half_written} left a half-written file; {first} came before the first was saved")
    tally.check(kills)


# ---- with the commands -----------------------------------------------------------------------


def lrcn(command: str, *arguments: str | Path) -> tuple[int, str]:
    """(exit code, stderr) of a command."""
    done = call(command, *arguments, folder=Path.cwd(), code=None)
    return done.returncode, done.stderr


@pytest.fixture
def run(make_data_set: Any) -> Path:
    """A run of two epochs beside its shards, to be extended."""
    folder = make_data_set(samples={"train": [4]}, seq_len=2, sizes=((32, 32),))
    out: Path = folder.parent / "run"
    code, said = lrcn("train", *VALUES, "--epochs", "2", "--shards", folder, "--out", out)
    assert code == 0, said
    return out


@pytest.mark.slow
@pytest.mark.promise(
    19, "lrcn-train with a rotten last.pt: says so on stderr, ends as it would have"
)
def test_a_training_with_a_rotten_checkpoint_says_so_and_ends_as_it_would_have(
    run: Path, tally: Any, count: Count
) -> None:
    def extended(out: Path) -> tuple[str, bytes]:
        code, said = lrcn("train", "--resume", out, "--epochs", "3")
        assert code == 0, said
        return said, (out / "weights.safetensors").read_bytes()

    whole = run.with_name("whole")
    shutil.copytree(run, whole)
    _, weights = extended(whole)
    rng = random.Random(19)
    sound = (run / "checkpoints/last.pt").read_bytes()
    trials = count(1, 10)
    for number in range(trials):
        damaged = bytearray(sound)
        damaged[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        if number % 2:
            del damaged[rng.randrange(len(sound)) :]
        out = run.with_name(f"rotten{number}")
        shutil.copytree(run, out)
        (out / "checkpoints/last.pt").unlink()
        (out / "checkpoints/last.pt").write_bytes(damaged)
        said, found = extended(out)
        loud = [line for line in said.splitlines() if "last.pt can't be read" in line]
        fault = None if len(loud) == 1 else f"it says {said!r}"
        tally.add(fault if found == weights else f"trial {number}: other weights; {fault}")
    tally.check(trials)


# ---- payloads --------------------------------------------------------------------------------


class Payload:
    """Calls something when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._call, self._arguments = call, arguments

    def __reduce__(self) -> Any:
        return self._call, self._arguments


def payloads(marker: Path) -> dict[str, Any]:
    """Five ways to make a folder."""
    code = f"__import__('os').mkdir({str(marker)!r})"
    return {
        "os.system": Payload(os.system, f"mkdir '{marker}'"),
        "os.mkdir": Payload(os.mkdir, str(marker)),
        "builtins.eval": Payload(eval, code),
        "builtins.exec": Payload(exec, code),
        "subprocess.Popen": Payload(subprocess.Popen, ["mkdir", str(marker)]),
    }


def pickled(payload: Any) -> bytes:
    return pickle.dumps({"net": payload}, 2)


def saved(payload: Any) -> bytes:
    data = io.BytesIO()
    torch.save({"net": payload, "progress": {"step": 1}}, data)
    return data.getvalue()


def saved_as_before(payload: Any) -> bytes:
    """In the format that torch wrote until 1.6, which is a row of pickles."""
    data = io.BytesIO()
    torch.save({"net": payload}, data, _use_new_zipfile_serialization=False)
    return data.getvalue()


FORMS = (pickled, saved, saved_as_before)


def marked(data: bytes) -> bytes:
    """With the end that lrcn-train writes, which anybody can."""
    return data + b"lrcn-sha256-0001" + hashlib.sha256(data).digest()


@pytest.mark.promise(20, "five payloads as pickles and in torch's two formats, in last.pt")
def test_a_payload_in_a_checkpoint_is_never_executed(tmp_path: Path, tally: Any) -> None:
    marker = tmp_path / "executed"
    for name, payload in payloads(marker).items():
        for form in FORMS:
            checkpoints = Checkpoints(tmp_path)
            checkpoints.last.write_bytes(marked(form(payload)))
            fault = "it was loaded"
            try:
                checkpoints.load(lambda message: None)
            except CheckpointError as error:
                fault = "" if "last.pt can't be read" in str(error) else str(error)
            executed = "executed; " if marker.exists() else ""
            tally.add(f"{name}, {form.__name__}: {executed}{fault}" if executed or fault else None)
    tally.check(5 * len(FORMS))


@pytest.mark.promise(20, "the same as weights for lrcn-eval and lrcn-predict")
def test_a_payload_as_weights_is_never_executed(tmp_path: Path, tally: Any) -> None:
    marker, processor = tmp_path / "executed", choose_processor("cpu", "off")
    for name, payload in payloads(marker).items():
        for form in FORMS:
            for file in ("weights.safetensors", "weights.pt"):
                (tmp_path / file).write_bytes(form(payload))
                fault = "it was loaded"
                try:
                    load_run(tmp_path / file, processor)
                except LrcnError as error:
                    fault = "" if file in str(error) else str(error)
                what = f"{name}, {form.__name__} as {file}: {fault}"
                tally.add(what if fault or marker.exists() else None)
    tally.check(5 * len(FORMS) * 2)


@pytest.mark.slow
@pytest.mark.promise(20, "a payload offered to lrcn-train, lrcn-eval and lrcn-predict")
def test_a_payload_offered_to_a_command_is_never_executed(
    run: Path, tally: Any, count: Count
) -> None:
    marker, shards = run.with_name("executed"), run.with_name("shards")
    for name, payload in list(payloads(marker).items())[: count(1, 5)]:
        (run / "checkpoints/previous.pt").unlink(missing_ok=True)
        (run / "checkpoints/last.pt").unlink()
        (run / "checkpoints/last.pt").write_bytes(marked(saved(payload)))
        (run / "weights.safetensors").write_bytes(saved(payload))
        for command, file, arguments in (
            ("train", "last.pt", ["--resume", run, "--epochs", "3"]),
            ("evaluate", "weights.safetensors", [run, "--shards", shards / "train-000.tar"]),
            ("predict", "weights.safetensors", [run, shards / "train-000.tar"]),
        ):
            code, said = lrcn(command, *arguments)
            refused = code == 1 and file in said and "Traceback" not in said
            fault = "executed" if marker.exists() else None if refused else f"{code} {said}"
            tally.add(fault and f"{name}, {command}: {fault}")
    tally.check(3 * count(1, 5))
