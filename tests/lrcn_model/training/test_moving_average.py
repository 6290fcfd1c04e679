from __future__ import annotations

import pytest
from torch import nn

from lrcn_model.training.moving_average import moving_average


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
