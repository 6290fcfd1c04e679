from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import LrcnError
from lrcn_model.training.checkpoint import CheckpointError, Checkpoints, load_checkpoint


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


def test_a_damaged_checkpoint_never_takes_the_place_of_the_sound_one(
    checkpoints: Checkpoints,
) -> None:
    checkpoints.last.write_bytes(b"damaged")
    checkpoints.load(lambda message: None)
    checkpoints.save(state(3))
    assert load_checkpoint(checkpoints.last)["progress"] == {"step": 3}
    assert load_checkpoint(checkpoints.previous)["progress"] == {"step": 1}


def test_the_best_one_stays_and_is_gone_on_from_where_nothing_newer_is_sound(
    checkpoints: Checkpoints,
) -> None:
    checkpoints.save(state(3), best=True)
    checkpoints.save(state(4))
    checkpoints.save(state(5))
    assert load_checkpoint(checkpoints.best)["progress"] == {"step": 3}
    for path in (checkpoints.last, checkpoints.previous):
        path.unlink()
        path.write_bytes(b"damaged")
    warnings: list[str] = []
    loaded = checkpoints.load(warnings.append)
    assert loaded is not None
    assert loaded["progress"] == {"step": 3}
    assert "best.pt, the best on the val shards" in warnings[0]


def test_a_file_system_without_hard_links_keeps_checkpoints_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    kept = Checkpoints(tmp_path)
    kept.save(state(1))
    kept.save(state(2), best=True)
    kept.save(state(3))
    for path, number in ((kept.last, 3), (kept.previous, 2), (kept.best, 2)):
        assert load_checkpoint(path)["progress"] == {"step": number}


def test_when_all_are_damaged_the_error_names_them_and_the_remedy(checkpoints: Checkpoints) -> None:
    checkpoints.last.write_bytes(b"damaged")
    checkpoints.previous.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"last.pt .*previous.pt .*--fresh"):
        checkpoints.load(no_warning)


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
