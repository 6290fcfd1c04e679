"""What a CNN sees of clips' frames, against a loop over frames; and nets that see differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.frame_differences import FRAME_INPUTS, as_seen, without_some_frames
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.reading.preprocess import Preprocess


def frame_by_frame(what: str, clip: Tensor) -> list[Tensor]:
    """What is seen of each frame of a clip, (channels, height, width), one after the other."""
    seen, before = [], clip[0]
    for frame in clip:
        parts = {"frames": [frame], "differences": [frame - before]}
        parts["both"] = parts["frames"] + parts["differences"]
        seen.append(torch.cat(parts[what]))
        before = frame
    return seen


def net(what: str, **values: Any) -> LRCN:
    torch.manual_seed(0)
    config = {"cnn": "small", "size": (32, 32), "lstm_hidden": 6, **values}
    return LRCN(NetConfig(classes=4, frame_input=what, **config)).eval()


def scores_of(net: LRCN, clip: Tensor) -> Tensor:
    """The scores of one clip, of which the CNN is shown one frame after the other."""
    seen = frame_by_frame(net.config.frame_input, clip)
    features = torch.stack([net.cnn(frame[None])[0] for frame in seen])
    return net.score_features(features[None], None, None)[0][0]


@pytest.mark.parametrize("what", FRAME_INPUTS)
@pytest.mark.parametrize("shape", [(1,), (5,), (2, 1), (3, 4)])
def test_a_frame_is_seen_with_its_difference_to_the_frame_before(
    what: str, shape: tuple[int, ...]
) -> None:
    frames = torch.randn(*shape, 3, 6, 5)
    seen = as_seen(what, frames)
    clips = (clips.view(-1, *clips.shape[-4:]) for clips in (seen, frames))
    for found, clip in zip(*clips, strict=True):
        torch.testing.assert_close(found, torch.stack(frame_by_frame(what, clip)))


@pytest.mark.parametrize("what", FRAME_INPUTS)
@pytest.mark.parametrize("grad", [True, False])
def test_a_net_scores_clips_as_one_that_is_shown_frame_after_frame(what: str, grad: bool) -> None:
    scoring, frames = net(what), torch.randn(3, 5, 3, 32, 32)
    with torch.set_grad_enabled(grad):
        scores = scoring(frames)
        for clip, found in zip(frames, scores, strict=True):
            torch.testing.assert_close(found, scores_of(scoring, clip))


@pytest.mark.parametrize("shape", [(400, 2), (2,)])
def test_some_clips_show_their_differences_alone(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    frames, differences = torch.rand(2, *shape, 3, 4, 5) + 1
    hidden = []
    for _ in range(200 if len(shape) == 1 else 1):
        found = without_some_frames(torch.cat([frames, differences], dim=-3), 0.3)
        torch.testing.assert_close(found[..., 3:, :, :], differences)
        clips = zip(
            found[..., :3, :, :].view(-1, *frames.shape[-4:]),
            frames.view(-1, *frames.shape[-4:]),
            strict=True,
        )
        for left, clip in clips:
            hidden.append(not left.any())
            assert hidden[-1] or torch.equal(left, clip)
    assert sum(hidden) / len(hidden) == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("one_after_another", [False, True])
def test_frames_are_left_out_in_training_alone(one_after_another: bool) -> None:
    half, frames = net("both", modality_dropout=0.5, dropout=0.0), torch.randn(40, 2, 3, 32, 32)
    seen: list[Tensor] = []
    half.cnn.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    given = [frames.flatten(0, 1), torch.full((40,), 2)] if one_after_another else [frames]
    half.train()(*given)
    half.eval()(*given)
    shown = [part.view(40, 2, 6, 32, 32)[:, :, :3] for part in (seen[0], torch.cat(seen[1:]))]
    left_out = (shown[0] == 0).flatten(1)
    assert torch.equal(left_out.all(1), left_out.any(1))
    assert 5 < int(left_out.all(1).sum()) < 35
    torch.testing.assert_close(shown[1], frames)


@pytest.mark.parametrize("what", FRAME_INPUTS)
@pytest.mark.parametrize("grad", [True, False])
def test_no_difference_is_taken_from_one_clip_to_the_next(what: str, grad: bool) -> None:
    scoring, lengths = net(what), [2, 5, 1]
    frames = torch.randn(8, 3, 32, 32)
    with torch.set_grad_enabled(grad):
        scores = scoring(frames, torch.tensor(lengths))
        for clip, found in zip(torch.split(frames, lengths), scores, strict=True):
            torch.testing.assert_close(found[: len(clip)], scores_of(scoring, clip))


@pytest.mark.parametrize("what", FRAME_INPUTS)
@pytest.mark.parametrize("pieces", [[1] * 6, [2, 4], [5, 1]])
def test_pieces_of_a_stream_are_scored_as_the_whole(what: str, pieces: list[int]) -> None:
    scoring, frames = net(what), torch.randn(2, 6, 3, 32, 32)
    found, state = [], None
    with torch.inference_mode():
        for piece in torch.split(frames, pieces, dim=1):
            scores, state = scoring.step(piece, state)
            found.append(scores)
        torch.testing.assert_close(torch.cat(found, dim=1), scoring(frames))


@pytest.mark.parametrize("head", ["mean", {"name": "gru", "hidden": 5, "bidirectional": True}])
def test_frames_that_fill_up_a_clip_change_no_score_of_the_others(head: Any) -> None:
    scoring, frames = net("both", head=head, lstm_hidden=None), torch.randn(2, 6, 3, 32, 32)
    frames[0, 4:] = frames[0, 3]
    with torch.inference_mode():
        scores = scoring(frames, torch.tensor([4, 6]))
        torch.testing.assert_close(scores[:1, :4], scoring(frames[:1, :4]))


def test_the_cnn_is_built_for_the_channels_that_it_sees() -> None:
    first = {
        what: next(module for module in net(what).cnn.modules() if isinstance(module, nn.Conv2d))
        for what in FRAME_INPUTS
    }
    assert [conv.in_channels for conv in first.values()] == [3, 3, 6]
    grey = net("both", channels=1)
    assert grey(torch.randn(1, 2, 1, 32, 32)).shape == (1, 2, 4)
    assert grey.config.channels == 1


@pytest.mark.parametrize("what", FRAME_INPUTS)
@pytest.mark.parametrize("cnn", ["paper", "paper-pooled", "caffenet-fc6", "lite0"])
def test_every_cnn_takes_every_input(cnn: str, what: str) -> None:
    scoring = net(what, cnn=cnn, size=(96, 96))
    preprocess = Preprocess.for_net(scoring, torch.full((3, 96, 96), 100.0))
    frames = torch.randint(0, 256, (1, 3, 3, 96, 96), dtype=torch.uint8)
    with torch.inference_mode():
        assert scoring(preprocess.core(frames)).isfinite().all()


class PerChannel(nn.Module):
    """A CNN that says of every channel it sees what it expects."""

    features = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        numbers = tuple(float(number) for number in range(1, channels + 1))
        self.expects = Expects(mean=numbers, std=numbers)

    def forward(self, frames: Tensor) -> Tensor:
        return frames.flatten(1).mean(1, keepdim=True)


def per_channel(config: NetConfig) -> PerChannel:
    return PerChannel(config.channels)


def test_frames_are_made_what_the_cnn_expects_of_their_own_channels() -> None:
    expects = net("both", cnn=f"{__name__}:per_channel").expects
    assert (expects.mean, expects.std) == ((1, 2, 3), (1, 2, 3))


def test_an_input_that_there_is_not_is_refused_and_plain_frames_are_not_recorded() -> None:
    with pytest.raises(UsageError, match="--frame-input must be one of frames, differences, both"):
        NetConfig(frame_input="flow")
    assert "frame_input" not in NetConfig(classes=2).to_json()
    config = NetConfig(classes=2, frame_input="both")
    assert NetConfig.from_json(config.to_json()) == config
