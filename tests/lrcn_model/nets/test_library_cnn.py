"""Classifiers of other libraries as CNNs, as far as it can be tried without these."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.net_plugins import net_plugins


class Classifier(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 10))


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A library with torchvision's interface, and one classifier."""

    def get_model(name: str, weights: Any) -> nn.Module:
        if name != "tiny":
            raise ValueError(f"Unknown model {name}")
        model = Classifier()
        if weights == "DEFAULT":
            for value in model.parameters():
                nn.init.constant_(value, 0.5)
        return model

    models = ModuleType("torchvision.models")
    models.get_model = get_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return models


def net(name: str = "tiny", **values: Any) -> LRCN:
    config: dict[str, Any] = {"classes": 4, "cnn": f"torchvision:{name}", "size": (9, 8)}
    return LRCN(NetConfig(**(config | values)))


def test_the_last_layer_of_a_classifier_is_left_out(torchvision: ModuleType) -> None:
    one = net(dropout=0)
    frames: Tensor = torch.randn(2, 3, 8, 9)
    hidden = one.cnn.model.classifier[0](one.cnn.model.body(frames)).relu()
    assert one.cnn.features == 7
    torch.testing.assert_close(one.cnn(frames), hidden)
    assert one.expects.mean == (0.485, 0.456, 0.406)


def test_the_librarys_weights_have_the_names_of_the_cnns(torchvision: ModuleType) -> None:
    one = net()
    weights = one.cnn.library_weights()
    assert weights.keys() == one.cnn.state_dict().keys()
    assert all((value == 0.5).all() for value in weights.values())


def test_a_cnn_of_a_library_is_no_plugin_that_must_say_its_version(
    torchvision: ModuleType,
) -> None:
    assert net_plugins(net().config) == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"name": "large"},
            "--cnn torchvision:large: Unknown model large; torchvision",
        ),
        ({"channels": 2}, "can't take frames of 2 channels and 9x8 pixels"),
        (
            {"size": (2, 2)},
            "of 3 channels and 2x2 pixels .*; give another --size",
        ),
        (
            {"cnn": {"name": "torchvision:tiny", "width": 2}},
            "tiny has no value 'width'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    torchvision: ModuleType, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        net(**values)


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_a_library_that_is_not_there_is_named_with_torchs_version(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (library, "torchvision.models"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=f"pip install {library}` the version that goes"):
        CNNS.load(f"{library}:resnet18")(NetConfig(cnn=f"{library}:resnet18"))
