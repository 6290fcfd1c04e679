"""The heads that come with lrcn, over features as a CNN gives them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lrcn_data.errors import UsageError
from lrcn_model.nets.head import is_causal
from lrcn_model.nets.head_input import INPUTS
from lrcn_model.nets.heads import HEADS
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig, Part

FEATURES, UNITS = 6, 5
LENGTHS = torch.tensor([9, 1, 4, 8, 2])
"""Of the clips of a batch, which has room for one frame more than the longest has."""

RECURRENT = [
    Part(name, hidden=UNITS, layers=layers, bidirectional=bidirectional, input=what)
    for name, layers, bidirectional, what in product(("lstm", "gru"), (1, 3), (False, True), INPUTS)
]
MEANS = [Part("mean", input=what) for what in INPUTS if what != "centered"]
ALL = [*RECURRENT, *MEANS, Part("none")]
CAUSAL = [
    head
    for head in ALL
    if head.name == "none"
    or (head.values.get("bidirectional") is False and head.values["input"] != "centered")
]


def built(head: Part, *, dropout: float = 0.5) -> nn.Module:
    torch.manual_seed(0)
    return HEADS.load(head.name)(NetConfig(head=head, dropout=dropout), FEATURES).eval()


def clips_of_features(count: int = 5, frames: int = 10) -> torch.Tensor:
    return torch.randn(count, frames, FEATURES, generator=torch.Generator().manual_seed(1))


def small_net(head: Part) -> LRCN:
    torch.manual_seed(0)
    return LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), head=head)).eval()


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("name", "torchs"), [("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_a_bidirectional_head_gives_what_torchs_own_gives_for_packed_sequences(
    name: str, torchs: type[nn.LSTM | nn.GRU], layers: int
) -> None:
    head = built(Part(name, hidden=UNITS, layers=layers, bidirectional=True))
    oracle = torchs(FEATURES, UNITS, layers, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for theirs, ours in zip(oracle.parameters(), head.parameters(), strict=True):
            theirs.copy_(ours)
    features = clips_of_features()
    packed = pack_padded_sequence(features, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(oracle(packed)[0], batch_first=True)
    found, _ = head(features, LENGTHS, None)
    for clip, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(found[clip, :length], expected[clip, :length])
    torch.testing.assert_close(head(features, None, None)[0], oracle(features)[0])


@pytest.mark.parametrize(("name", "torchs"), [("lstm", nn.LSTM), ("gru", nn.GRU)])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_causal_head_gives_what_torchs_own_gives(
    name: str, torchs: type[nn.LSTM | nn.GRU], layers: int
) -> None:
    head = built(Part(name, hidden=UNITS, layers=layers))
    oracle = torchs(FEATURES, UNITS, layers, batch_first=True)
    with torch.no_grad():
        for theirs, ours in zip(oracle.parameters(), head.parameters(), strict=True):
            theirs.copy_(ours)
    features = clips_of_features()
    torch.testing.assert_close(head(features, LENGTHS, None)[0], oracle(features)[0])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_seed_draws_the_weights_that_torchs_own_layers_draw(bidirectional: bool) -> None:
    head = built(Part("gru", hidden=UNITS, layers=2, bidirectional=bidirectional))
    torch.manual_seed(0)
    oracle = nn.GRU(FEATURES, UNITS, 2, bidirectional=bidirectional)
    for theirs, ours in zip(oracle.parameters(), head.parameters(), strict=True):
        assert torch.equal(theirs, ours)


@pytest.mark.parametrize("head", ALL, ids=str)
def test_padding_changes_nothing_at_the_real_frames(head: Part) -> None:
    module, features = built(head), clips_of_features()
    with torch.inference_mode():
        scores, _ = module(features, LENGTHS, None)
        for garbage in (1e4, float("nan")):
            changed = features.clone()
            for clip, length in enumerate(LENGTHS.tolist()):
                changed[clip, length:] = garbage
            found, _ = module(changed, LENGTHS, None)
            for clip, length in enumerate(LENGTHS.tolist()):
                assert torch.equal(found[clip, :length], scores[clip, :length])


@pytest.mark.parametrize("head", ALL, ids=str)
def test_a_clip_among_longer_ones_gets_what_it_gets_alone(head: Part) -> None:
    module, features = built(head), clips_of_features()
    with torch.inference_mode():
        found, _ = module(features, LENGTHS, None)
        for clip, length in enumerate(LENGTHS.tolist()):
            alone, _ = module(features[clip : clip + 1, :length], None, None)
            torch.testing.assert_close(found[clip, :length], alone[0])


@pytest.mark.parametrize("head", ALL, ids=str)
def test_no_gradient_of_real_frames_reaches_the_padding(head: Part) -> None:
    features = clips_of_features().requires_grad_()
    hidden, _ = built(head)(features, LENGTHS, None)
    sum(hidden[clip, :length].sum() for clip, length in enumerate(LENGTHS.tolist())).backward()
    assert features.grad is not None
    for clip, length in enumerate(LENGTHS.tolist()):
        assert not features.grad[clip, length:].any()


@pytest.mark.parametrize("head", CAUSAL, ids=str)
@pytest.mark.parametrize("pieces", [[1] * 10, [3, 1, 6], [10]])
def test_frames_that_come_one_by_one_get_what_the_whole_gets(head: Part, pieces: list[int]) -> None:
    module, features = built(head), clips_of_features()
    assert is_causal(module)
    state, found = None, []
    with torch.inference_mode():
        for piece in features.split(pieces, dim=1):
            hidden, state = module(piece, None, state)
            found.append(hidden)
        expected, _ = module(features, None, None)
    torch.testing.assert_close(torch.cat(found, dim=1), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("head", [head for head in ALL if head not in CAUSAL], ids=str)
def test_a_head_that_needs_the_frames_to_come_scores_no_stream(head: Part) -> None:
    net, frames = small_net(head), torch.zeros(1, 1, 3, 32, 32)
    assert net(frames).shape == (1, 1, 3)
    with pytest.raises(UsageError, match=rf"--head {head.name}.* looks at frames to come.*another"):
        net.step(frames)


@pytest.mark.parametrize("head", ALL, ids=str)
def test_a_head_says_how_many_values_it_gives(head: Part) -> None:
    module = built(head)
    assert module(clips_of_features(), LENGTHS, None)[0].shape == (5, 10, module.hidden)


@pytest.mark.parametrize("head", ALL, ids=str)
def test_a_net_with_it_is_computed_in_bf16(head: Part) -> None:
    net, frames = small_net(head).train(), torch.randn(2, 3, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        scores = net(frames, torch.tensor([3, 1]))
    scores.float().sum().backward()
    assert all(value.grad is not None for value in net.parameters())
    assert scores.isfinite().all()


def test_the_mean_is_that_of_a_clips_real_frames_at_every_frame() -> None:
    features = clips_of_features()
    found, _ = built(Part("mean"))(features, LENGTHS, None)
    for clip, length in enumerate(LENGTHS.tolist()):
        mean = sum(features[clip, frame] for frame in range(length)) / length
        for frame in range(10):
            torch.testing.assert_close(found[clip, frame], mean)


def test_differences_are_those_from_the_frame_before_and_0_at_the_first() -> None:
    features = clips_of_features()
    expected = torch.zeros_like(features)
    for frame in range(1, 10):
        expected[:, frame] = features[:, frame] - features[:, frame - 1]
    for what in ("differences", "both"):
        module = built(Part("gru", hidden=UNITS, input=what))
        seen = expected if what == "differences" else torch.cat([features, expected], dim=-1)
        torch.testing.assert_close(
            module(features, None, None)[0], module.head.gru(seen)[0], atol=1e-6, rtol=0
        )


def test_centered_features_are_those_less_the_mean_of_the_clips_real_frames() -> None:
    features = clips_of_features()
    module = built(Part("gru", hidden=UNITS, input="centered"))
    found, _ = module(features, LENGTHS, None)
    for clip, length in enumerate(LENGTHS.tolist()):
        real = features[clip, :length]
        seen, _ = module.head.gru((real - real.mean(dim=0))[None])
        torch.testing.assert_close(found[clip, :length], seen[0], atol=1e-6, rtol=0)


def test_a_mean_of_centered_features_is_refused() -> None:
    with pytest.raises(UsageError, match="the mean of that is 0; use gru"):
        built(Part("mean", input="centered"))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_lstm_has_a_forget_gates_bias_of_one_in_total(
    layers: int, bidirectional: bool
) -> None:
    head = built(Part("lstm", hidden=UNITS, layers=layers, bidirectional=bidirectional))
    lstms = [module for module in head.modules() if isinstance(module, nn.LSTM)]
    assert len(lstms) == layers * (1 + bidirectional)
    for lstm in lstms:
        total = lstm.get_parameter("bias_ih_l0") + lstm.get_parameter("bias_hh_l0")
        assert total.tolist() == [0.0] * UNITS + [1.0] * UNITS + [0.0] * 2 * UNITS


def test_the_nets_dropout_is_between_layers_and_drawn_from_torchs_seed() -> None:
    features = clips_of_features()
    head = built(Part("lstm", hidden=UNITS, layers=2), dropout=0.5).train()
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(head(features, None, None)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    alone = built(Part("lstm", hidden=UNITS), dropout=0.5).train()
    assert torch.equal(alone(features, None, None)[0], alone(features, None, None)[0])


@pytest.mark.parametrize("what", INPUTS)
def test_what_a_head_sees_is_dropped_only_while_it_is_trained(what: str) -> None:
    features = clips_of_features()
    plain = built(Part("gru", hidden=UNITS, input=what))
    dropped = built(Part("gru", hidden=UNITS, input=what, input_dropout=0.5))
    wanted = plain(features, LENGTHS, None)[0]
    torch.testing.assert_close(dropped(features, LENGTHS, None)[0], wanted)
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(dropped.train()(features, LENGTHS, None)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_the_default_head_has_the_names_that_its_weights_always_had() -> None:
    assert list(small_net(Part("lstm")).head.state_dict()) == [
        *("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0")
    ]


@pytest.mark.parametrize("name", ["lstm", "gru"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden": 0}, "at least 1 as hidden, got 0; for no head use --head none"),
        ({"hidden": 2.5}, "at least 1 as hidden, got 2.5"),
        ({"layers": True}, "at least 1 as layers, got True"),
        ({"bidirectional": 1}, "needs true or false as bidirectional, got 1"),
        ({"input": "motion"}, "one of features, differences, both, centered, got 'motion'"),
        ({"input_dropout": 1.0}, "from 0 to below 1 as input_dropout, got 1.0"),
        ({"input_dropout": True}, "from 0 to below 1 as input_dropout, got True"),
        ({"hiden": 3}, "has no value 'hiden'; did you mean 'hidden'?"),
    ],
)
def test_a_value_that_makes_no_head_is_refused(
    name: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        built(Part(name, **values))
    assert message in str(caught.value)


def test_values_that_the_mean_doesnt_have_are_refused() -> None:
    with pytest.raises(UsageError, match="mean has no value 'hidden'"):
        built(Part("mean", hidden=3))
