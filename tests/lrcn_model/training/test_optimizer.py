from __future__ import annotations

import pytest
import torch
from torch import nn

from lrcn_model.training.optimizer import moving_average, new_optimizer
from lrcn_model.training.options import TrainOptions


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_frozen_parameters_are_not_given_to_the_optimizer(name: str) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    net[0].requires_grad_(False)
    optimizer = new_optimizer(TrainOptions(optimizer=name), net)  # type: ignore[arg-type]
    given = [value for group in optimizer.param_groups for value in group["params"]]
    assert [id(value) for value in given] == [id(value) for value in net[1].parameters()]


def test_sgd_has_the_momentum_of_0_9_that_its_help_promises() -> None:
    net = nn.Linear(1, 1, bias=False)
    optimizer = new_optimizer(TrainOptions(optimizer="sgd", lr=1.0), net)
    start = net.weight.item()
    for _ in range(2):
        net.weight.grad = torch.ones(1, 1)
        optimizer.step()
    # 1, and then 1 + 0.9
    assert start - net.weight.item() == pytest.approx(2.9)


def test_a_moving_average_begins_with_the_net_and_includes_its_running_statistics() -> None:
    net = nn.BatchNorm1d(1)
    average = moving_average(net, 0.75)
    expected = 0.0
    for number, value in enumerate([4.0, 8.0, 0.0]):
        for tensor in (net.weight.data, net.running_mean):
            assert tensor is not None
            tensor.fill_(value)
        average.update_parameters(net)
        expected = 0.75 * expected + 0.25 * value if number else value
    assert average.module.weight.item() == pytest.approx(expected)
    assert average.module.running_mean.item() == pytest.approx(expected)
