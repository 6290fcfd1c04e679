from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.layer_table import net_table
from lrcn_model.nets.net import LRCN, NetConfig


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def small(**values: object) -> LRCN:
    torch.manual_seed(0)
    config = {"classes": 5, "cnn": "small", "size": (32, 32), "lstm_hidden": 7, **values}
    return LRCN(NetConfig(**config)).eval()


def test_the_papers_net_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        net = LRCN(NetConfig(classes=101))
    assert sum(value.numel() for value in net.parameters()) == 46_988_809


def test_the_papers_net_takes_7375_mflop_a_frame() -> None:
    table = net_table(LRCN(NetConfig(classes=101)))
    assert round(table.flop / 1e6) == round(sum(layer.flop for layer in table.layers) / 1e6) == 7375
    assert sum(layer.parameters for layer in table.layers) == 46_988_809


def test_the_papers_net_is_that_of_its_layers_written_plainly() -> None:
    torch.manual_seed(1)
    net = LRCN(NetConfig(classes=3, size=(24, 17), lstm_hidden=5)).eval()
    plain = nn.Sequential(
        nn.Conv2d(3, 64, 7, padding=3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 96, 5, padding=2),
        nn.BatchNorm2d(96),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(96, 128, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 128, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 196, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(196 * 3 * 2, 320),
        nn.ReLU(),
    ).eval()
    plain.load_state_dict(dict(zip(plain.state_dict(), net.cnn.state_dict().values(), strict=True)))
    frames = torch.randn(2, 4, 3, 17, 24)
    features = plain(frames.flatten(0, 1)).view(2, 4, 320)
    hidden, _ = net.head.lstm(features)
    expected = hidden @ net.classifier.weight.T + net.classifier.bias
    torch.testing.assert_close(net(frames), expected)


def test_scores_follow_from_an_lstm_written_in_numpy() -> None:
    net = small()
    frames = torch.randn(2, 3, 3, 32, 32)
    scores = net(frames).detach().numpy()
    weights = {name: value.detach().numpy() for name, value in net.head.lstm.named_parameters()}
    features = net.cnn(frames.flatten(0, 1)).detach().numpy().reshape(2, 3, -1)
    for clip in range(2):
        hidden, cell = np.zeros(7), np.zeros(7)
        for number in range(3):
            gates = weights["weight_ih_l0"] @ features[clip, number] + weights["bias_ih_l0"]
            gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
            enter, forget, value, out = np.split(gates, 4)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(value)
            hidden = sigmoid(out) * np.tanh(cell)
            expected = net.classifier.weight.detach().numpy() @ hidden
            np.testing.assert_allclose(scores[clip, number], expected, atol=1e-5)


def test_the_forget_gates_bias_is_one_in_total_and_the_others_zero() -> None:
    net = small()
    parameters = dict(net.head.lstm.named_parameters())
    total = parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    assert total.tolist() == [0.0] * 7 + [1.0] * 7 + [0.0] * 14


def test_convolutions_start_with_kaimings_spread() -> None:
    torch.manual_seed(0)
    net = LRCN(NetConfig(classes=5, size=(32, 32)))
    for module in net.cnn.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
            assert not module.bias.any()


def test_without_an_lstm_each_frame_is_judged_by_itself() -> None:
    net = small(lstm_hidden=0)
    frames = torch.randn(1, 4, 3, 32, 32)
    order = [2, 0, 3, 1]
    torch.testing.assert_close(net(frames)[:, order], net(frames[:, order]))


def test_with_an_lstm_a_frames_scores_depend_on_those_before_it_only() -> None:
    net = small()
    frames = torch.randn(1, 4, 3, 32, 32)
    changed = frames.clone()
    changed[:, 2] += 1
    one, other = net(frames), net(changed)
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 3], other[:, 3])


@pytest.mark.parametrize("size", [(8, 8), (50, 33), (112, 112)])
def test_the_papers_net_takes_any_size_that_its_pools_leave_something_of(
    size: tuple[int, int],
) -> None:
    net = LRCN(NetConfig(classes=2, size=size, lstm_hidden=4)).eval()
    assert net(torch.zeros(1, 2, 3, size[1], size[0])).shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": (31, 64)}, "--size must be at least 32x32 for --cnn small"),
        (
            {"cnn": "big"},
            "lite0, layers, torchvision:NAME, timm:NAME, or package.module:name of your own, got"
            " 'big'",
        ),
        ({"classes": 0}, "at least 1 class, got 0"),
        ({"lstm_hidden": -1}, "--lstm-hidden must be at least 0, got -1"),
        ({"cnn": {"name": "small", "width": 3}}, "small has no value 'width'"),
        ({"head": {"name": "none", "width": 3}, "lstm_hidden": None}, "none has no value 'width'"),
        ({"head": {"name": "lstm", "hidden": 0}, "lstm_hidden": None}, "at least 1 as hidden, got"),
        ({"dropout": 1.0}, "--dropout must be from 0 to below 1, got 1.0"),
    ],
)
def test_a_config_that_makes_no_net_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        small(**values)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_a_net_takes_frames_of_as_many_channels_as_its_config_says(channels: int) -> None:
    net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), lstm_hidden=4, channels=channels))
    assert net(torch.zeros(2, 3, channels, 32, 32)).shape == (2, 3, 3)
    assert net_table(net).layers[0].parameters == channels * 16 * 9 + 16


def test_a_net_without_channels_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 channel, got 0"):
        NetConfig(classes=3, channels=0)


@pytest.mark.parametrize("lstm_hidden", [7, 0])
@pytest.mark.parametrize("pieces", [[1, 1, 1, 1, 1, 1], [2, 1, 3], [6]])
def test_frames_scored_as_they_come_get_the_scores_of_the_whole(
    lstm_hidden: int, pieces: list[int]
) -> None:
    net = small(lstm_hidden=lstm_hidden)
    frames = torch.randn(2, 6, 3, 32, 32)
    state, scores = None, []
    for piece in frames.split(pieces, dim=1):
        piece_scores, state = net.step(piece, state)
        scores.append(piece_scores)
    torch.testing.assert_close(torch.cat(scores, dim=1), net(frames), atol=1e-5, rtol=0)


def test_a_causal_head_needs_no_lengths() -> None:
    net, frames = small(), torch.randn(2, 4, 3, 32, 32)
    assert torch.equal(net(frames, torch.tensor([4, 2])), net(frames))


def test_frames_may_have_other_channels() -> None:
    net = small(channels=1)
    assert net(torch.zeros(1, 2, 1, 32, 32)).shape == (1, 2, 5)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_saved_before_there_were_heads_are_loaded(prefix: str) -> None:
    net, other = small(), LRCN(NetConfig(classes=5, cnn="small", size=(32, 32), lstm_hidden=7))
    old = {
        prefix + name.replace("head.lstm.", "lstm."): value
        for name, value in net.state_dict().items()
    }
    assert prefix + "lstm.weight_ih_l0" in old
    (nn.ModuleDict({"module": other}) if prefix else other).load_state_dict(old)
    for name, value in net.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_a_seed_draws_what_torchs_layers_draw_in_the_order_of_the_parts() -> None:
    torch.manual_seed(3)
    net = LRCN(NetConfig(classes=5, size=(8, 8), lstm_hidden=4))
    torch.manual_seed(3)
    shapes = [(3, 64, 7), (64, 96, 5), (96, 128, 3), (128, 128, 3), (128, 196, 3)]
    layers: list[nn.Module] = [nn.Conv2d(*shape) for shape in shapes]
    layers += [nn.Linear(196, 320), nn.LSTM(320, 4), nn.Linear(4, 5)]
    for layer in layers:
        if not isinstance(layer, nn.LSTM):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    ours = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    drawn = [layer for layer in layers if not isinstance(layer, nn.LSTM)]
    for one, other in zip(ours, drawn, strict=True):
        assert torch.equal(one.weight, other.weight)
    assert torch.equal(net.head.lstm.weight_ih_l0, layers[6].weight_ih_l0)


@pytest.mark.parametrize(("frame_input", "left"), [("frames", 3), ("both", 1)])
def test_what_a_cnn_expects_of_more_channels_is_cut_only_where_it_sees_differences(
    monkeypatch: pytest.MonkeyPatch, frame_input: str, left: int
) -> None:
    net = LRCN(NetConfig(classes=2, cnn="small", channels=1, frame_input=frame_input))
    monkeypatch.setattr(net.cnn, "expects", Expects(mean=(0.1, 0.2, 0.3)), raising=False)
    assert net.expects.mean is not None
    # of a mean that is not of the frames' channels, Preprocess tells
    assert len(net.expects.mean) == left
