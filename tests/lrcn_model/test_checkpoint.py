from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import LrcnError
from lrcn_model.checkpoint import CheckpointError, Checkpoints, load_checkpoint

CHAOS = os.environ.get("LRCN_CHAOS") == "1"


def state(number: int) -> dict[str, Any]:
    return {"weights": torch.full((300,), float(number)), "progress": {"step": number}}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    kept = Checkpoints(tmp_path)
    kept.save(state(1))
    kept.save(state(2))
    return kept


def no_warning(message: str) -> None:
    raise AssertionError(message)


def test_what_was_saved_last_is_loaded(checkpoints: Checkpoints) -> None:
    loaded = checkpoints.load(no_warning)
    assert loaded is not None
    assert loaded["progress"] == {"step": 2}
    assert torch.equal(loaded["weights"], state(2)["weights"])


def test_torch_load_reads_a_checkpoint_too(checkpoints: Checkpoints) -> None:
    assert torch.load(checkpoints.last, weights_only=True)["progress"] == {"step": 2}


def test_without_any_checkpoint_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path).load(no_warning) is None


def test_every_flipped_bit_is_noticed_and_the_one_before_is_used(checkpoints: Checkpoints) -> None:
    sound = checkpoints.last.read_bytes()
    rng = random.Random(0)
    for _ in range(400 if CHAOS else 40):
        damaged = bytearray(sound)
        damaged[rng.randrange(len(sound))] ^= 1 << rng.randrange(8)
        checkpoints.last.write_bytes(damaged)
        warnings: list[str] = []
        loaded = checkpoints.load(warnings.append)
        assert loaded is not None
        assert loaded["progress"] == {"step": 1}
        assert "last.pt can't be read" in warnings[0]
        assert "previous.pt, the one before" in warnings[0]


def test_every_cut_is_noticed_and_the_one_before_is_used(checkpoints: Checkpoints) -> None:
    sound = checkpoints.last.read_bytes()
    rng = random.Random(0)
    for length in [0, 1, len(sound) - 1, *(rng.randrange(len(sound)) for _ in range(20))]:
        checkpoints.last.write_bytes(sound[:length])
        loaded = checkpoints.load(lambda message: None)
        assert loaded is not None
        assert loaded["progress"] == {"step": 1}


def test_a_damaged_checkpoint_never_takes_the_place_of_the_sound_one(
    checkpoints: Checkpoints,
) -> None:
    checkpoints.last.write_bytes(b"damaged")
    checkpoints.load(lambda message: None)
    checkpoints.save(state(3))
    assert load_checkpoint(checkpoints.last)["progress"] == {"step": 3}
    assert load_checkpoint(checkpoints.previous)["progress"] == {"step": 1}


def test_when_all_are_damaged_the_error_names_them_and_the_remedy(checkpoints: Checkpoints) -> None:
    checkpoints.last.write_bytes(b"damaged")
    checkpoints.previous.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"last.pt .*previous.pt .*--fresh"):
        checkpoints.load(no_warning)


def test_a_pickle_in_a_checkpoint_is_never_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {marker}",)

    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"weights": Payload()})
    with pytest.raises(CheckpointError, match=r"last\.pt can't be read"):
        checkpoints.load(no_warning)
    assert not marker.exists()


def test_a_file_that_cant_be_written_leaves_what_was_there(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LrcnError, match="No space left on device"):
            checkpoints.save(state(3))
    loaded = checkpoints.load(no_warning)
    assert loaded is not None
    assert loaded["progress"] == {"step": 2}
    assert not list(checkpoints.folder.glob("*.tmp"))


@pytest.mark.slow
def test_a_process_killed_while_saving_leaves_a_sound_checkpoint(tmp_path: Path) -> None:
    script = """
import sys, torch
from pathlib import Path
from lrcn_model.checkpoint import Checkpoints
kept = Checkpoints(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    number += 1
    kept.save({"weights": torch.full((300_000,), float(number)), "progress": number})
"""
    rng = random.Random(0)
    for number in range(200 if CHAOS else 5):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.3))
        process.kill()
        process.communicate()
        loaded = Checkpoints(folder).load(no_warning)
        if loaded is not None:
            assert torch.equal(loaded["weights"], torch.full((300_000,), float(loaded["progress"])))
