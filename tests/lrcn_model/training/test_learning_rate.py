"""The learning rate, against torch's schedulers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from lrcn_model.training.learning_rate import learning_rate
from lrcn_model.training.options import TrainOptions

STEPS, PER_EPOCH = 60, 5


def ours(**values: Any) -> list[float]:
    options = TrainOptions(**{"lr": 0.1, **values})
    return [
        learning_rate(options, epoch=step // PER_EPOCH, step=step, steps=STEPS)
        for step in range(STEPS)
    ]


def torchs(make: Any) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = make(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


def test_the_paper_halves_the_rate_after_every_five_epochs() -> None:
    rates = [learning_rate(TrainOptions(), epoch=n, step=n, steps=11) for n in range(11)]
    assert rates == [5e-5] * 5 + [2.5e-5] * 5 + [1.25e-5]


def test_steps_down_are_those_of_torch() -> None:
    expected = torchs(lambda to: lr_scheduler.StepLR(to, step_size=3 * PER_EPOCH, gamma=0.1))
    assert ours(lr_decay=0.1, lr_decay_every=3) == pytest.approx(expected)


def test_the_cosine_is_that_of_torch() -> None:
    expected = torchs(lambda to: lr_scheduler.CosineAnnealingLR(to, T_max=STEPS))
    assert ours(lr_schedule="cosine") == pytest.approx(expected)


def test_the_rate_stays_without_a_schedule() -> None:
    assert ours(lr_schedule="none") == [0.1] * STEPS


def test_the_warm_up_is_torchs_linear_one() -> None:
    linear = torchs(lambda to: lr_scheduler.LinearLR(to, start_factor=0.1, total_iters=9))
    assert ours(lr_schedule="none", warmup=10) == pytest.approx(linear)


def test_the_cosine_begins_after_the_warm_up() -> None:
    rates = ours(lr_schedule="cosine", warmup=10)
    assert rates[:10] == pytest.approx([0.01 * number for number in range(1, 11)])
    whole = torchs(lambda to: lr_scheduler.CosineAnnealingLR(to, T_max=STEPS - 10))
    assert rates[10:] == pytest.approx(whole[: STEPS - 10])
