"""CNNs from lists of layers."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.same_padding import SamePaddedConv2d


def config(*layers: dict[str, Any], size: tuple[int, int] = (24, 16), **values: Any) -> NetConfig:
    return NetConfig(cnn={"name": "layers", "layers": list(layers)}, size=size, **values)


def cnn_of(net: NetConfig) -> Any:
    return CNNS.load(net.cnn.name)(net)


def frames_of(net: NetConfig, count: int = 2) -> Tensor:
    return torch.randn(count, net.channels, net.size[1], net.size[0])


def test_the_papers_cnn_can_be_written_as_a_table() -> None:
    size = (40, 32)
    table = config(
        {"conv": 64, "kernel": 7, "batch_norm": True, "pool": 2},
        {"conv": 96, "kernel": 5, "batch_norm": True, "pool": 2},
        {"conv": 128},
        {"conv": 128},
        {"conv": 196, "pool": 2},
        {"fc": 320},
        size=size,
        classes=3,
    )
    nets = []
    for one in (table, NetConfig(cnn="paper", size=size, classes=3)):
        torch.manual_seed(0)
        nets.append(LRCN(one))
    states = [net.state_dict() for net in nets]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


FLAT = st.sampled_from([[], [{"fc": 5}], [{"global_pool": "mean"}], [{"global_pool": "max"}]])
PICTURE = st.one_of(
    st.fixed_dictionaries(
        {"conv": st.integers(1, 6)},
        optional={
            "kernel": st.integers(1, 7),
            "stride": st.integers(1, 3),
            "padding": st.one_of(st.just("same"), st.integers(0, 3)),
            "bias": st.booleans(),
            "batch_norm": st.booleans(),
            "pool": st.integers(1, 2),
            "activation": st.sampled_from(["relu", "relu6", "silu", "none"]),
        },
    ),
    st.fixed_dictionaries({"depthwise": st.integers(1, 5)}, optional={"stride": st.integers(1, 3)}),
    st.fixed_dictionaries({"pool": st.integers(1, 3)}, optional={"stride": st.integers(1, 3)}),
    st.just({"local_response_norm": 5}),
    st.builds(
        lambda stride: {"residual": [{"conv": 4, "stride": stride, "batch_norm": True}]},
        st.integers(1, 2),
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    layers=st.lists(PICTURE, max_size=5),
    end=FLAT,
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_a_cnn_gives_as_many_features_as_it_says_or_is_refused(
    layers: list[dict[str, Any]], end: list[dict[str, Any]], size: tuple[int, int]
) -> None:
    if not layers + end:
        return
    net = config(*layers, *end, size=size)
    try:
        cnn = cnn_of(net).eval()
    except UsageError as error:
        # where layers leave nothing of the largest size that is tried, none is named
        if not re.search("--size (must be at least |is too small)", str(error)):
            raise
        return
    assert cnn(frames_of(net)).shape == (2, cnn.features)


def test_the_smallest_size_in_the_error_is_the_smallest_that_works() -> None:
    layers = [{"conv": 4, "kernel": 7, "padding": 0}, {"pool": 3}, {"conv": 4, "pool": 2}]
    with pytest.raises(UsageError, match="--size must be at least 12x12 for --cnn layers"):
        cnn_of(config(*layers, size=(40, 11)))
    assert cnn_of(config(*layers, size=(12, 12))).features == 4


def test_a_residual_adds_its_input_to_what_its_layers_give() -> None:
    net = config({"residual": [{"conv": 4}, {"conv": 3, "kernel": 1}]})
    cnn = cnn_of(net)
    (residual,) = [module for module in cnn if hasattr(module, "body")]
    frames = frames_of(net)
    first, _, second = residual.body
    expected = functional.relu(second(functional.relu(first(frames))) + frames)
    torch.testing.assert_close(cnn(frames), expected.flatten(1))


def test_a_residual_of_another_shape_sends_its_input_through_a_convolution_of_1x1() -> None:
    net = config({"residual": [{"conv": 8, "stride": 2, "batch_norm": True}, {"conv": 8}]})
    cnn = cnn_of(net)
    conv, norm = cnn[0].shortcut
    assert (conv.kernel_size, conv.stride, norm.num_features) == ((1, 1), (2, 2), 8)
    assert cnn(frames_of(net)).shape == (2, 8 * 12 * 8)


def test_a_depthwise_layer_filters_each_channel_by_itself() -> None:
    net = config({"depthwise": 3, "activation": "none"})
    cnn, frames = cnn_of(net), frames_of(net)
    whole = cnn(frames).view(2, 3, 16, 24)
    for channel in range(3):
        one = functional.conv2d(
            frames[:, channel : channel + 1],
            cnn[0].weight[channel : channel + 1],
            cnn[0].bias[channel : channel + 1],
            padding=1,
        )
        torch.testing.assert_close(whole[:, channel : channel + 1], one)


@pytest.mark.parametrize("name", ["relu", "relu6", "silu"])
def test_pooling_comes_after_the_activation(name: str) -> None:
    net = config({"conv": 5, "activation": name, "pool": 2})
    cnn, frames = cnn_of(net), frames_of(net)
    active = getattr(functional, name)(cnn[0](frames))
    torch.testing.assert_close(cnn(frames), functional.max_pool2d(active, 2).flatten(1))


@given(
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
@settings(max_examples=100, deadline=None)
def test_same_padding_is_tensorflows(kernel: int, stride: int, size: tuple[int, int]) -> None:
    conv = SamePaddedConv2d(2, 3, kernel, stride=stride, groups=1, bias=True)
    frames = torch.randn(1, 2, *size)
    found = conv(frames)
    assert found.shape[-2:] == tuple(math.ceil(pixels / stride) for pixels in size)
    # where a place's kernel begins, by the formula of TensorFlow's documentation
    starts = []
    for pixels in size:
        starts.append(max(kernel - (pixels % stride or stride), 0) // 2)
    wide = functional.pad(frames, (30, 30, 30, 30))
    for y in range(found.shape[-2]):
        for x in range(found.shape[-1]):
            top, left = 30 - starts[0] + y * stride, 30 - starts[1] + x * stride
            part = wide[:, :, top : top + kernel, left : left + kernel]
            expected = (part * conv.weight).sum(dim=(1, 2, 3)) + conv.bias
            torch.testing.assert_close(found[0, :, y, x], expected, rtol=1e-4, atol=1e-5)


def test_a_fully_connected_layer_has_the_nets_dropout_unless_it_says_its_own() -> None:
    cnn = cnn_of(config({"fc": 4}, {"fc": 5, "dropout": 0.25}, dropout=0.75))
    assert [module.p for module in cnn if isinstance(module, nn.Dropout)] == [0.75, 0.25]


def test_the_pooled_paper_net_has_few_weights_in_its_fully_connected_layer() -> None:
    cnn = CNNS.load("paper-pooled")(NetConfig(cnn="paper-pooled"))
    (linear,) = [module for module in cnn if isinstance(module, nn.Linear)]
    assert sum(value.numel() for value in linear.parameters()) == 63_040


@pytest.mark.parametrize(
    ("name", "weights"),
    # of Caffe's reference model: 3,747,200 in its convolutions, then fc6 and fc7 without a bias
    # would be 37,748,736 and 16,777,216
    [
        ("caffenet-fc6", 2_334_080 + 37_752_832),
        ("caffenet-fc7", 2_334_080 + 37_752_832 + 16_781_312),
    ],
)
def test_caffenet_has_the_shapes_of_caffes_reference_model(name: str, weights: int) -> None:
    with torch.device("meta"):
        cnn = CNNS.load(name)(NetConfig(cnn=name, size=(227, 227)))
    assert sum(value.numel() for value in cnn.parameters()) == weights
    assert cnn.features == 4096


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"convolution": 3}], "layer 1 must be a table that names one of conv, depthwise,"),
        (["conv"], "layer 1 must be a table that names one of conv, depthwise,"),
        ([{}], "layer 1 must be a table that names one of conv, depthwise,"),
        ([{"conv": 0}], r"layer 1 \(conv\): conv must be a whole number of at least 1, got 0"),
        ([{"conv": 4, "kernal": 3}], "has no value 'kernal'; did you mean 'kernel'"),
        ([{"conv": 4, "groups": 2}], "groups must be a divisor of its 3 and 4 channels, got 2"),
        ([{"conv": 4, "padding": "valid"}], 'padding must be "same" or a whole number of pixels'),
        ([{"conv": 4, "batch_norm": 1}], "batch_norm must be true or false, got 1"),
        ([{"conv": 4, "activation": "tanh"}], "activation must be one of relu, relu6, silu, none"),
        ([{"global_pool": "sum"}], "global_pool must be one of mean, max, got 'sum'"),
        ([{"fc": 3, "dropout": 1}], "dropout must be a number from 0 to below 1, got 1"),
        ([{"fc": 3}, {"conv": 3}], r"layer 2 \(conv\) needs pictures; put it before every fc"),
        ([{"residual": []}], r"layer 1 \(residual\): residual must be a list of layers"),
        ([{"residual": [{"fc": 3}]}], "must give pictures; put fc after it"),
        (
            [{"residual": [{"conv": 3, "kernel": 5, "padding": 0}]}],
            "makes 24x16 pixels 20x12, which no stride does",
        ),
        ([{"residual": [{"conv": 3, "bais": 1}]}], r"layer 1 \(residual\): layer 1 \(conv\) has"),
        ([], r"--cnn layers needs a list of layers, got \[\]"),
    ],
)
def test_a_wrong_layer_is_refused_by_its_place(layers: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cnn_of(config(*layers))
