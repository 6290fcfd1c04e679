"""Heads added in a module of a user's own: a GRU, and the mean over the frames so far."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrcn_model import LRCN, NetConfig, Part

Lrcn = Callable[..., str]

MODULE = '''
import torch
from torch import nn

__version__ = "2"


class Gru(nn.Module):
    def __init__(self, features, hidden, layers):
        super().__init__()
        self.hidden = hidden
        self.gru = nn.GRU(features, hidden, layers, batch_first=True)

    def forward(self, features, lengths, state):
        return self.gru(features, state)


class RunningMean(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.hidden = features

    def forward(self, features, lengths, state):
        total, count = state if state is not None else (0.0, 0)
        sums = features.cumsum(dim=1) + total
        counts = torch.arange(1, features.shape[1] + 1, device=features.device) + count
        return sums / counts[:, None], (sums[:, -1:], count + features.shape[1])


class LastReal(nn.Module):
    """Judges every frame by the clip's last real one: not causal, and needs the lengths."""

    def __init__(self, features):
        super().__init__()
        self.hidden = features

    def forward(self, features, lengths, state):
        last = features[torch.arange(len(features)), lengths - 1]
        return last[:, None].expand_as(features), None


def gru(config, features):
    values = config.head.filled(hidden=5, layers=1)
    return Gru(features, values["hidden"], values["layers"])


def mean(config, features):
    config.head.filled()
    return RunningMean(features)


def last(config, features):
    return LastReal(features)
'''

TRAIN = ["--shards", "shards", "--cnn", "small", "--size", "32x32", "--epochs", "1"]
TRAIN += ["--device", "cpu", "--workers", "0"]


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's module; also importable here, anew for each test."""
    path = tmp_path / "own_heads.py"
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_heads", raising=False)
    return path


def net_with(head: Part) -> LRCN:
    torch.manual_seed(0)
    return LRCN(NetConfig(classes=4, cnn="small", size=(32, 32), head=head)).eval()


@pytest.mark.parametrize("name", ["own_heads:gru", "own_heads:mean"])
def test_it_is_trained_scored_and_used_to_predict(
    name: str, lrcn: Lrcn, tmp_path: Path, video: Path
) -> None:
    run = tmp_path / "run"
    lrcn("lrcn-train", *TRAIN, "--head", name, "--out", run)
    assert json.loads((run / "run.json").read_text())["plugins"] == {name: "2"}
    scored = json.loads(
        lrcn("lrcn-eval", run, "--shards", "shards", "--head", name, "--json", "--device", "cpu")
    )
    assert scored["videos"] == 6
    said = json.loads(lrcn("lrcn-predict", run, video, "--head", name, "--json", "--device", "cpu"))
    assert len(said["frames"]) == 4
    for command in (["lrcn-eval", run, "--shards", "shards"], ["lrcn-predict", run, video]):
        [error] = lrcn(*command, code=2).splitlines()
        assert f"has the head '{name}', a plug-in, which is imported only where you" in error


def test_a_toml_table_gives_it_values_of_its_own(lrcn: Lrcn, tmp_path: Path) -> None:
    table = '[head]\nname = "own_heads:gru"\nhidden = 3\nlayers = 2\n'
    (tmp_path / "own.toml").write_text(table)
    plan = json.loads(
        lrcn("lrcn-train", *TRAIN, "--config", tmp_path / "own.toml", "--dry-run", "--json")
    )
    [gru] = [layer for layer in plan["layers"] if layer["name"].startswith("head")]
    assert gru["kind"] == "GRU"
    assert gru["shape"] == [3]
    assert gru["parameters"] == 3 * (128 * 3 + 3 * 3 + 6) + 3 * (3 * 3 + 3 * 3 + 6)


@pytest.mark.parametrize(
    "head", [Part("own_heads:gru"), Part("own_heads:gru", layers=2), Part("own_heads:mean")]
)
@pytest.mark.parametrize("pieces", [[1, 1, 1, 1, 1], [2, 3]])
def test_frames_scored_as_they_come_get_the_scores_of_the_whole(
    head: Part, pieces: list[int]
) -> None:
    net, frames = net_with(head), torch.randn(2, 5, 3, 32, 32)
    state, scores = None, []
    with torch.inference_mode():
        for piece in frames.split(pieces, dim=1):
            piece_scores, state = net.step(piece, state)
            scores.append(piece_scores)
        torch.testing.assert_close(torch.cat(scores, dim=1), net(frames), atol=1e-5, rtol=0)


def test_a_head_that_looks_ahead_is_told_where_each_clip_ends() -> None:
    net, frames = net_with(Part("own_heads:last")), torch.randn(2, 5, 3, 32, 32)
    with torch.inference_mode():
        scores = net(frames, torch.tensor([2, 4]))
        changed = frames.clone()
        changed[0, 2:] += 1
        changed[1, 4:] += 1
        torch.testing.assert_close(net(changed, torch.tensor([2, 4])), scores)
    torch.testing.assert_close(scores, scores[:, :1].expand_as(scores))


def test_training_scoring_and_predicting_say_where_each_clip_ends(
    lrcn: Lrcn, tmp_path: Path, video: Path
) -> None:
    run, name = tmp_path / "run", "own_heads:last"
    lrcn("lrcn-train", *TRAIN, "--val-shards", "shards", "--head", name, "--out", run)
    lrcn("lrcn-eval", run, "--shards", "shards", "--head", name, "--device", "cpu")
    lrcn("lrcn-predict", run, video, "--head", name, "--device", "cpu")
