"""Windows whose state is carried on get what the whole video gets at once."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from lrcn_data.errors import LrcnError
from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig, Part

FEATURES = 8
HEADS = [
    *(Part(name, hidden=5) for name in ("lstm", "gru")),
    Part("lstm", hidden=5, layers=2, input="both"),
    Part("gru", hidden=4, layers=3, input="differences"),
    Part("none"),
]


def net_with(head: Part) -> LRCN:
    torch.manual_seed(0)
    cnn = Part("layers", layers=({"conv": 6, "pool": 2}, {"fc": FEATURES}))
    return LRCN(NetConfig(classes=3, cnn=cnn, size=(32, 32), head=head, dropout=0.0)).eval()


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_windows_get_what_the_whole_video_gets_at_once(head: Part) -> None:
    net, draw = net_with(head), random.Random(1)
    frames = [40, 3, 17, 1, 25, 8, 8]
    videos = [torch.randn(count, FEATURES) for count in frames]
    with torch.inference_mode():
        wanted = [net.score_features(video[None], None, None)[0][0] for video in videos]
        found: list[list[Tensor]] = [[] for _ in videos]
        carried, length = CarriedState(), 7
        waiting = list(range(len(videos)))
        underway: dict[int, int] = {}
        while waiting or underway:
            while waiting and len(underway) < 3:
                underway[waiting.pop(0)] = 0
            order = list(underway)
            draw.shuffle(order)
            windows = [videos[video][underway[video] : underway[video] + length] for video in order]
            scores = carried.score(
                net,
                torch.cat(windows),
                torch.tensor([len(window) for window in windows]),
                [(str(video), video) for video in order],
                [underway[video] for video in order],
            )
            for row, video in enumerate(order):
                found[video].append(scores[row, : len(windows[row])])
                underway[video] += length
                if underway[video] >= frames[video]:
                    del underway[video]
            record = carried.state_dict()
            carried = CarriedState()
            carried.load_state_dict(record, torch.device("cpu"))
    for parts, whole in zip(found, wanted, strict=True):
        torch.testing.assert_close(torch.cat(parts), whole, atol=1e-5, rtol=0)


def test_no_gradient_goes_back_beyond_the_start_of_a_window() -> None:
    net, carried = net_with(Part("gru", hidden=5)), CarriedState()
    first = torch.randn(1, 4, FEATURES, requires_grad=True)
    second = torch.randn(1, 4, FEATURES, requires_grad=True)
    lengths = torch.tensor([4])
    carried.score(net, first, lengths, [("a", 0)], [0])
    carried.score(net, second, lengths, [("a", 0)], [4]).sum().backward()
    assert first.grad is None
    assert second.grad is not None


def test_a_window_that_doesnt_follow_the_one_before_is_refused() -> None:
    net, carried = net_with(Part("gru", hidden=5)), CarriedState()
    features, lengths = torch.randn(1, 4, FEATURES), torch.tensor([4])
    carried.score(net, features, lengths, [("a", 0)], [0])
    with pytest.raises(LrcnError, match=r"a window of b\.mp4 doesn't follow the one before it"):
        carried.score(net, features, lengths, [("b.mp4", 0)], [4])
