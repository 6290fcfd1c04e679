"""The modules that docs/extending.md shows do what it says, as they stand there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from lrcn_data.format.frame_kinds import FRAME_KINDS
from lrcn_data.making.executors import EXECUTORS
from lrcn_data.sampling.samplings import make_sampling
from lrcn_model import LRCN, NetConfig, Part
from lrcn_model.nets.heads import HEADS
from lrcn_model.nets.recurrent_head import recurrent_head
from lrcn_model.training.options import TrainOptions, read_config

TEXT = (Path(__file__).resolve().parent.parent / "docs/extending.md").read_text()


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the modules of the page, in which commands would be called."""
    names = []
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        name = code.split()[1].rstrip(":")
        (tmp_path / name).write_text(code)
        names.append(name.removesuffix(".py"))
        monkeypatch.delitem(sys.modules, names[-1], raising=False)
    [toml] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "own.toml").write_text(toml)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    # other tests have modules of these names
    for name in names:
        sys.modules.pop(name, None)


def test_the_sampling_takes_the_last_frames() -> None:
    tail = make_sampling("my_sampling:Tail", {"seq_len": 3})
    assert list(tail.choose(range(10), lambda clip, block: 0)) == [(7, 8, 9)]
    every_second = type(tail)(seq_len=3, step=2)
    assert list(every_second.choose(range(10), lambda clip, block: 0)) == [(5, 7, 9)]
    assert list(every_second.choose(range(4), lambda clip, block: 0)) == [(1, 2, 3)]


def test_the_kind_of_frame_gives_back_what_it_encodes() -> None:
    kind = FRAME_KINDS.load("my_frames:Grey")(name="my_frames:Grey")
    rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    picture = kind.picture(rgb, 0, None)
    decoded = np.empty_like(picture)
    kind.decode(memoryview(kind.encode(picture, 90)), decoded)
    assert np.array_equal(decoded, picture)


def test_the_executor_has_each_job_done_in_turn() -> None:
    executor = EXECUTORS.load("my_executor:InTurn")(2)
    assert list(executor.run(["a", "b"], str.upper)) == ["A", "B"]


def test_the_cnn_and_the_head_make_a_net_that_scores_a_stream_as_it_comes(modules: Path) -> None:
    options = TrainOptions().with_values(read_config(modules / "own.toml"))
    assert (options.net.cnn.name, options.net.head.name) == ("my_nets:build", "my_heads:gru")
    config = NetConfig(classes=3, cnn=options.net.cnn, head=options.net.head, size=(48, 40))
    net = LRCN(config).eval()
    frames = torch.randn(1, 4, 3, 40, 48)
    first, state = net.step(frames[:, :2])
    rest, _ = net.step(frames[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, rest], dim=1), net(frames), atol=1e-5, rtol=0)
    assert net.cnn.features == 64


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_head_is_given_the_values_of_the_built_in_ones(bidirectional: bool) -> None:
    gru = HEADS.load("my_heads:Gru")
    head = Part("my_heads:gru", hidden=5, layers=2, bidirectional=bidirectional, input="both")
    built = recurrent_head(NetConfig(head=head), 7, gru).eval()
    features, lengths = torch.randn(2, 4, 7), torch.tensor([4, 2])
    hidden, _ = built(features, lengths, None)
    alone, _ = built(features[1:, :2], None, None)
    assert hidden.shape == (2, 4, 10 if bidirectional else 5)
    torch.testing.assert_close(hidden[1, :2], alone[0])
