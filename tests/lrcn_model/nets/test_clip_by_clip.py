from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from lrcn_model.nets.net import LRCN, NetConfig


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def net(two_threads: None) -> LRCN:
    torch.manual_seed(0)
    return LRCN(NetConfig(classes=3, cnn="lite0", size=(64, 64))).eval()


def test_features_are_the_same_in_any_batch_and_with_any_number_of_threads(net: LRCN) -> None:
    clips = torch.randn(5, 3, 3, 64, 64)
    with torch.no_grad():
        together = net.features(clips)
        assert torch.get_num_threads() == 2
        for number in range(5):
            assert torch.equal(net.features(clips[number : number + 1])[0], together[number])
        torch.set_num_threads(1)
        assert torch.equal(net.features(clips), together)
        whole = net.cnn(clips.flatten(0, 1)).unflatten(0, (5, 3))
    torch.testing.assert_close(together, whole, atol=1e-4, rtol=1e-4)


def test_the_threads_compute_in_the_precision_of_the_caller(net: LRCN) -> None:
    clips = torch.randn(2, 2, 3, 64, 64)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        features = net.features(clips)
        whole = net.cnn(clips[0])
    assert features.dtype == whole.dtype == torch.bfloat16
    assert features.is_inference()
    torch.testing.assert_close(features[0], whole, atol=0.1, rtol=0.1)


def test_a_cnn_that_learns_takes_the_whole_batch(net: LRCN) -> None:
    clips = torch.randn(2, 2, 3, 64, 64)
    net.train()
    with torch.no_grad():
        net.features(clips)
    counted = net.cnn.state_dict()["stem.1.num_batches_tracked"]
    assert counted == 1
    net.eval()
    assert net.features(clips).requires_grad
