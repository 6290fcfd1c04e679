"""What a net's table says, against counts made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lrcn_model.nets.layer_table import net_table
from lrcn_model.nets.net import LRCN, NetConfig

__version__ = "1"


class Attending(nn.Module):
    """A CNN with layers in layers, and products that are no layer's."""

    def __init__(self) -> None:
        super().__init__()
        self.features = 6
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Flatten())
        self.second = nn.ModuleDict({"inner": nn.Linear(4 * 15 * 15, 6)})
        self.matrix = nn.Parameter(torch.randn(6, 6))

    def forward(self, frames: Tensor) -> Tensor:
        features: Tensor = self.second["inner"](self.first(frames))
        return features @ self.matrix


def attending(config: NetConfig) -> Attending:
    return Attending()


def small(**values: object) -> LRCN:
    return LRCN(NetConfig(**{"classes": 5, "cnn": "small", "size": (32, 32), **values}))


def lstm_products(features: int, hidden: int) -> int:
    """Multiplications of a frame in an LSTM: four gates, of the features and the hidden values."""
    return 4 * hidden * features + 4 * hidden * hidden


def test_the_papers_net_has_the_papers_operations() -> None:
    table = net_table(LRCN(NetConfig(classes=101)))
    assert table.flop == pytest.approx(7.375e9, rel=1e-4)
    assert table.flop_with_backward == pytest.approx(21.25e9, rel=1e-4)
    assert sum(layer.flop for layer in table.layers) == table.flop
    assert sum(layer.parameters for layer in table.layers) == 46_988_809


def test_operations_are_those_that_one_counts_by_hand() -> None:
    flop = {layer.name: layer.flop for layer in net_table(small(lstm_hidden=7)).layers}
    assert flop["cnn.0"] == 2 * 16 * 32 * 32 * 3 * 9
    assert flop["cnn.4"] == 2 * 24 * 16 * 16 * 16 * 9
    assert flop["cnn.1"] == 0
    assert flop["head.lstm"] == 2 * lstm_products(128, 7)
    assert flop["classifier"] == 2 * 7 * 5


@pytest.mark.parametrize(("name", "gates"), [("lstm", 4), ("gru", 3)])
def test_operations_of_each_layer_and_direction_are_counted(name: str, gates: int) -> None:
    head = {"name": name, "hidden": 7, "layers": 2, "bidirectional": True, "input": "both"}
    layers = [layer for layer in net_table(small(head=head)).layers if "head" in layer.name]
    for layer, features in zip(layers, (256, 256, 14, 14), strict=True):
        assert layer.flop == gates * 2 * 7 * (features + 7)
        assert layer.parameters == gates * 7 * (features + 7 + 2)


def test_what_a_module_does_between_its_layers_is_its_own() -> None:
    net = small(cnn=f"{__name__}:attending", lstm_hidden=0)
    table = net_table(net)
    flop = {layer.name: layer.flop for layer in table.layers}
    assert flop["cnn.first.0"] == 2 * 4 * 15 * 15 * 3 * 9
    assert flop["cnn.second.inner"] == 2 * 4 * 15 * 15 * 6
    assert flop["cnn"] == 2 * 6 * 6
    assert sum(flop.values()) == table.flop


def test_backward_takes_twice_the_forward_but_for_what_nobody_needs() -> None:
    net = small(lstm_hidden=7)
    table = net_table(net)
    # neither the frame nor the state before the first one needs a gradient
    first, state = table.layers[0].flop, 2 * 4 * 7 * 7
    assert 3 * table.flop - table.flop_with_backward in (first, first + state)
    net.cnn.requires_grad_(False)
    cnn = sum(layer.flop for layer in table.layers if layer.name.startswith("cnn."))
    lstm = next(layer.flop for layer in table.layers if layer.name == "head.lstm")
    frozen = net_table(net).flop_with_backward
    assert cnn < frozen <= cnn + 3 * (table.flop - cnn)
    assert frozen >= 3 * (table.flop - cnn - lstm) + cnn


def test_a_table_changes_nothing_in_the_net() -> None:
    net = small().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net_table(net)
    assert net.training
    assert all(value.grad is None for value in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
