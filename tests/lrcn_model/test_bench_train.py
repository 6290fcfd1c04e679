"""The pieces of the training benchmark, on the CPU and at tiny sizes."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_model import LRCN, NetConfig, ShardDataset

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("train")


@pytest.fixture
def setting(train: Any) -> Any:
    return train.Setting(size=(16, 16), clips=2, device="cpu")


def test_the_plain_net_is_that_of_the_paper(train: Any) -> None:
    with torch.device("meta"):
        net = train.PlainNet((216, 216))
    assert sum(parameter.numel() for parameter in net.parameters()) == 46_988_809


def test_a_step_moves_what_its_layers_read_and_write(train: Any) -> None:
    net = LRCN(NetConfig(classes=2, size=(8, 8), lstm_hidden=0))
    weights = sum(parameter.numel() for parameter in net.parameters())
    none, one = (train.step_bytes(net, frames=frames, element=2) for frames in (0, 1))
    assert none == 36 * weights
    # the first convolution alone: reads 3 x 8 x 8 twice; writes 64 x 8 x 8, reads its gradient
    assert one - none > 2 * (2 * 3 * 64 + 2 * 64 * 64)
    assert train.step_bytes(net, frames=10, element=2) - none == 10 * (one - none)


@pytest.mark.parametrize("mode", ["float32", "bf16"])
def test_both_ways_of_training_take_steps(train: Any, setting: Any, mode: str) -> None:
    assert math.isfinite(setting.step(mode)().read().loss)
    assert train.plain_step((16, 16), 2)() > 0


def test_speed_is_put_against_what_the_device_does_at_most(train: Any, setting: Any) -> None:
    speed = train.measure_speed(setting, "float32", runs=2, side=64, length=1 << 16)
    assert speed.frames_per_s == pytest.approx(2 * train.FRAMES / speed.seconds)
    assert speed.roofline_share >= speed.flop_share > 0
    assert speed.bytes_share > 0


@pytest.mark.usefixtures("only_new_objects")  # it has the garbage collected every time
def test_the_largest_batch_is_found_by_doubling(train: Any) -> None:
    def step_of(clips: int) -> Any:
        if clips > 5:
            raise torch.OutOfMemoryError(f"{clips} clips")
        return lambda: None

    assert train.largest_batch(step_of, most=64) == 4
    assert train.largest_batch(lambda clips: lambda: None, most=64) == 64


def test_time_spent_waiting_for_data_is_a_share(
    train: Any, setting: Any, make_data_set: Callable[..., Path]
) -> None:
    dataset = ShardDataset(str(make_data_set(seq_len=train.FRAMES)), split="train")
    fed = train.measure_feeding(setting, "float32", dataset, workers=0, steps=4, warm_up=1)
    assert 0 < fed.waiting < 1
    assert fed.epoch_minutes == pytest.approx(train.EPOCH_CLIPS / fed.clips_per_s / 60)
