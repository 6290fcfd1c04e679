"""The clips a second that a training logs, with a CNN that is known to take its time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor, nn

from lrcn_model.nets.net_config import NetConfig

__version__ = "1"

SECONDS = 0.05


class Slow(nn.Sequential):
    """A CNN that takes at least `SECONDS` for a batch."""

    features = 4

    def forward(self, frames: Tensor) -> Tensor:
        time.sleep(SECONDS)
        features: Tensor = super().forward(frames)
        return features


def slow(config: NetConfig) -> Slow:
    return Slow(nn.Flatten(), nn.Linear(3 * config.size[0] * config.size[1], 4))


def test_no_step_is_said_to_be_faster_than_it_was(
    make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrcn_cli.train import command

    monkeypatch.chdir(make_data_set(samples={"train": [13]}, sizes=((16, 16),)).parent)
    command.main(
        [
            *("--shards", "shards", "--cnn", f"{__name__}:slow", "--size", "16x16"),
            *("--epochs", "2", "--batch-size", "2", "--checkpoint-every", "3", "--log-every", "1"),
            *("--device", "cpu", "--out", "run"),
        ],
        standalone_mode=False,
    )
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    rates = {line["step"]: line["clips_per_s"] for line in lines if line["kind"] == "step"}
    assert list(rates) == list(range(1, 15))
    # steps that a checkpoint or an epoch's end follows are known at once, all others one step later
    for step, rate in rates.items():
        assert 0 < rate <= 2 / SECONDS, f"step {step}"
