"""Evaluating a head on a frozen CNN: the features that its training kept, and the same scores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrcn_model import evaluate, train

LENGTHS = Path(__file__).parents[2] / "golden" / "lengths"
SMALL: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "head": {"name": "gru", "hidden": 6},
    "epochs": 1,
    "device": "cpu",
}


@pytest.mark.parametrize("lengths", ["one length", "several lengths"])
def test_the_scores_are_those_of_the_pixels(
    make_data_set: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seen: list[int],
    lengths: str,
) -> None:
    shards = LENGTHS
    if lengths == "one length":
        shards = make_data_set(samples={"train": [5], "test": [4]}, sizes=((40, 32),), seq_len=3)
    monkeypatch.chdir(tmp_path)
    train(shards, out="before", **SMALL)
    train(shards, out="runs/head", **SMALL, pretrained="before", freeze=["cnn"])
    shutil.copytree("runs/head", "elsewhere/head")
    seen.clear()
    plain = evaluate("elsewhere/head", shards, workers=0)
    frames = sum(seen)
    assert frames
    evaluate("runs/head", shards, workers=0)
    assert sum(seen) == 2 * frames  # computed, and kept
    again = evaluate("runs/head", shards, workers=0)
    assert sum(seen) == 2 * frames
    for one, other in zip(plain.videos, again.videos, strict=True):
        assert one.identity == other.identity
        np.testing.assert_array_equal(one.scores, other.scores)
    evaluate("runs/head", shards, workers=0, views="flip")
    assert sum(seen) == 4 * frames
