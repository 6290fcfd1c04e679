"""Clips of different lengths in one batch: each is scored, and learnt from, as if it were alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.net import LRCN, FromFeatures
from lrcn_model.nets.net_config import NetConfig, Part
from lrcn_model.nets.side_by_side import side_by_side

LENGTHS = [9, 1, 4, 2]
HEADS = [
    *(Part(name, hidden=5) for name in ("lstm", "gru")),
    Part("lstm", hidden=5, bidirectional=True),
    Part("gru", hidden=4, layers=2, bidirectional=True, input="both"),
    Part("lstm", hidden=5, input="differences"),
    Part("gru", hidden=5, bidirectional=True, input="centered"),
    *(Part(name) for name in ("mean", "none")),
]
# without batch normalization, by which a clip's scores depend on the others while it trains
CNN = Part("layers", layers=({"conv": 6, "pool": 2}, {"fc": 8}))


def net_with(head: Part, cnn: Any = CNN) -> LRCN:
    torch.manual_seed(0)
    return LRCN(NetConfig(classes=3, cnn=cnn, size=(32, 32), head=head, dropout=0.0))


def clips() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(length, 3, 32, 32, generator=generator) for length in LENGTHS]


def test_clips_are_filled_up_by_repeating_their_last_frames() -> None:
    features = torch.arange(12.0).view(6, 2)
    found = side_by_side(features, [3, 1, 2])
    numbers = [[0, 1, 2], [3, 3, 3], [4, 5, 5]]
    expected = [[features[number].tolist() for number in row] for row in numbers]
    assert found.tolist() == expected


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("training", [False, True], ids=["scoring", "training"])
def test_a_clip_among_longer_ones_gets_the_scores_that_it_gets_alone(
    head: Part, training: bool
) -> None:
    net, frames = net_with(head).train(training), clips()
    with torch.set_grad_enabled(training):
        together = net(torch.cat(frames), torch.tensor(LENGTHS))
        assert together.shape == (4, 9, 3)
        for clip, length in enumerate(LENGTHS):
            [alone] = net(frames[clip][None])
            torch.testing.assert_close(together[clip, :length], alone, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_the_gradient_of_a_batch_is_that_of_its_clips_alone(head: Part) -> None:
    frames = clips()

    def gradients(batches: list[tuple[Tensor, list[int]]]) -> list[Tensor]:
        net = net_with(head).train()
        for batch, lengths in batches:
            scores = net(batch, torch.tensor(lengths))
            for clip, length in enumerate(lengths):
                scores[clip, :length].square().mean().backward(retain_graph=True)
        return [value.grad for value in net.parameters() if value.grad is not None]

    together = gradients([(torch.cat(frames), LENGTHS)])
    alone = gradients([(clip, [len(clip)]) for clip in frames])
    assert len(together) == len(alone)
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("training", [False, True], ids=["scoring", "training"])
def test_the_cnn_sees_real_frames_only(training: bool) -> None:
    net, seen = net_with(Part("mean"), "small").train(training), list[int]()
    net.cnn.register_forward_hook(lambda cnn, inputs, outputs: seen.append(len(inputs[0])))
    with torch.set_grad_enabled(training):
        net(torch.cat(clips()), torch.tensor(LENGTHS))
    assert sorted(seen) == ([sum(LENGTHS)] if training else sorted(LENGTHS))


def test_features_are_bit_equal_in_any_batch_of_a_net_that_scores() -> None:
    net, frames = net_with(Part("mean"), "small").eval(), clips()
    with torch.no_grad():
        together = net.features(torch.cat(frames), torch.tensor(LENGTHS))
        for clip, features in zip(frames, together.split(LENGTHS), strict=True):
            assert torch.equal(net.features(clip[None])[0], features)


def test_clips_of_one_length_may_come_either_way() -> None:
    net = net_with(Part("gru", hidden=5, bidirectional=True)).eval()
    frames = torch.randn(3, 4, 3, 32, 32)
    with torch.no_grad():
        one_after_another = net(frames.flatten(0, 1), torch.tensor([4, 4, 4]))
        assert torch.equal(one_after_another, net(frames))


@pytest.mark.parametrize("training", [False, True], ids=["scoring", "training"])
def test_without_lengths_clips_can_not_be_told_apart(training: bool) -> None:
    net = net_with(Part("none")).train(training)
    with torch.set_grad_enabled(training), pytest.raises(UsageError, match="give the net those of"):
        net(torch.cat(clips()))
    with pytest.raises(UsageError, match="without their lengths"):
        FromFeatures(net)(torch.zeros(6, 8))


def test_a_head_of_ones_own_gets_clips_side_by_side_and_their_lengths() -> None:
    class Longest(nn.Module):
        hidden = 8

        def forward(self, features_BTF: Tensor, lengths: Tensor, state: None) -> Any:
            # the greatest value of a clip, which needs no lengths where its last frame is repeated
            assert lengths.tolist() == LENGTHS
            return features_BTF.amax(dim=1, keepdim=True).expand_as(features_BTF), None

    net, frames = net_with(Part("none")).eval(), clips()
    net.head = Longest()
    with torch.no_grad():
        together = net(torch.cat(frames), torch.tensor(LENGTHS))
        for clip, scores in zip(frames, together, strict=True):
            best = net.classifier(net.features(clip[None])[0].amax(dim=0))
            torch.testing.assert_close(scores[0], best)
