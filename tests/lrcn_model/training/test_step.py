from __future__ import annotations

import copy
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from lrcn_data.errors import UsageError
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.nets.net_config import Part
from lrcn_model.processor import choose_processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.trained_run import load_run
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.step import TrainStep

CPU = choose_processor("cpu", "off")
VALUES: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "lstm_hidden": 8,
    "dropout": 0.0,
    "mean": "none",
    "optimizer": "sgd",
    "lr": 0.1,
}
OPTIONS = TrainOptions().with_values(VALUES)


def make_step(options: TrainOptions) -> TrainStep:
    return TrainStep(options, classes=3, mean=None, processor=CPU, ranks=Ranks())


def naive_weights(options: TrainOptions, batches: list[ClipBatch]) -> dict[str, torch.Tensor]:
    """Weights after a step of SGD, with the loss as a loop over clips and frames."""
    torch.manual_seed(options.seed)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), lstm_hidden=8, dropout=0.0))
    losses = []
    for batch in batches:
        scores = net(Preprocess((32, 32))(batch))
        for clip in range(len(batch)):
            labels = batch.frame_labels[clip]
            frames = [
                functional.cross_entropy(scores[clip, frame], labels[frame])
                for frame in range(len(labels))
                if labels[frame] >= 0
            ]
            losses.append(sum(frames) / len(frames))
    mean = sum(losses) / len(losses)
    assert isinstance(mean, torch.Tensor)
    mean.backward()  # type: ignore[no-untyped-call]
    return {
        name: (value - options.lr * value.grad).detach()
        for name, value in net.named_parameters()
        if value.grad is not None
    }


def ragged(dataset: ShardDataset, numbers: list[int], lengths: list[int]) -> ClipBatch:
    """A batch of clips of other lengths, the rest of each being padding."""
    batch = dataset.__getitems__(numbers)
    padded = torch.arange(batch.seq_len) >= torch.tensor(lengths)[:, None]
    labels = batch.labels[:, None].expand(padded.shape).masked_fill(padded, -1)
    return replace(batch, num_valid=torch.tensor(lengths), frame_labels=labels)


def naive_loss(net: LRCN, batch: ClipBatch, at: str) -> torch.Tensor:
    """The mean over clips of which each has gone through head and classifier by itself."""
    frames = Preprocess((32, 32))(batch)
    features = net.cnn(frames.flatten(0, 1)).view(*frames.shape[:2], -1)
    losses = []
    for clip, length in enumerate(batch.num_valid.tolist()):
        hidden, _ = net.head(features[clip : clip + 1, :length], None, None)
        scores = net.classifier(hidden)[0]
        scores = {"every": scores, "last": scores[-1:], "mean": scores.mean(0, keepdim=True)}[at]
        labels = batch.labels[clip].expand(len(scores))
        losses.append(functional.cross_entropy(scores, labels))
    return torch.stack(losses).mean()


def assert_same(found: dict[str, Any], expected: dict[str, torch.Tensor]) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(found[name].detach(), value, atol=1e-5, rtol=1e-4)


@pytest.fixture
def dataset(make_data_set: Callable[..., Path]) -> ShardDataset:
    return ShardDataset(make_data_set(samples={"train": [9]}, sizes=((32, 32),)))


def test_batches_of_a_step_add_up_to_the_mean_over_their_clips(dataset: ShardDataset) -> None:
    batches = [dataset.__getitems__([0, 1, 2, 3]), dataset.__getitems__([4])]
    step = make_step(OPTIONS)
    sums = step.run(batches, step=0, epoch=0, lr=OPTIONS.lr)
    assert sums.read().clips == 5
    assert_same(dict(step.net.named_parameters()), naive_weights(OPTIONS, batches))


@pytest.mark.parametrize("at", ["every", "last", "mean"])
@pytest.mark.parametrize(
    "head",
    [
        Part("lstm", hidden=5),
        Part("lstm", hidden=5, layers=2, bidirectional=True),
        Part("gru", hidden=5, layers=2, input="both"),
        Part("gru", hidden=5, bidirectional=True, input="differences"),
        Part("mean"),
    ],
    ids=str,
)
def test_two_steps_of_clips_of_very_different_lengths_are_those_of_each_clip_alone(
    make_data_set: Callable[..., Path], head: Part, at: str
) -> None:
    long = ShardDataset(make_data_set(samples={"train": [6]}, sizes=((32, 32),), seq_len=16))
    batches = [ragged(long, [0, 1, 2], [16, 1, 7]), ragged(long, [3, 4, 5], [2, 11, 1])]
    options = OPTIONS.with_values({"head": head, "loss_at": at})
    step = make_step(options)
    naive = copy.deepcopy(step.net).train()
    # with 0.1, rounding in the first step has a pool of the second take another of two equal pixels
    optimizer = torch.optim.SGD(naive.parameters(), lr=0.01, momentum=0.9)
    for number, batch in enumerate(batches):
        figures = step.run([batch], step=number, epoch=0, lr=0.01).read()
        loss = naive_loss(naive, batch, at)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        assert figures.mean_loss == pytest.approx(loss.item(), rel=1e-4)
    assert_same(dict(step.net.named_parameters()), dict(naive.named_parameters()))


@pytest.mark.parametrize("freezes_cnn", [False, True])
def test_a_step_of_clips_of_several_lengths_takes_each_clip_alone(
    make_data_set: Callable[..., Path], freezes_cnn: bool
) -> None:
    folder = make_data_set(
        samples={"train": [6]}, sizes=((32, 32),), seq_len=9, variable_length=True
    )
    batch = ShardDataset(folder).__getitems__(range(6))
    assert len(set(batch.lengths.tolist())) > 2
    frozen = {"freeze": ("cnn",), "pretrained": "another"} if freezes_cnn else {}
    options = OPTIONS.with_values({"head": Part("gru", hidden=5, bidirectional=True), **frozen})
    step = make_step(options)
    naive = copy.deepcopy(step.net).train()
    if freezes_cnn:
        naive.cnn.eval()
    features = naive.cnn(Preprocess((32, 32))(batch))
    losses = []
    for clip, clip_TF in enumerate(features.split(batch.lengths.tolist())):
        hidden, _ = naive.head(clip_TF[None], None, None)
        labels = batch.labels[clip].expand(len(clip_TF))
        losses.append(functional.cross_entropy(naive.classifier(hidden)[0], labels))
    loss = torch.stack(losses).mean()
    loss.backward()
    figures = step.run([batch], step=0, epoch=0, lr=0.01).read()
    assert figures.mean_loss == pytest.approx(loss.item(), rel=1e-5)
    expected = {
        name: (value - 0.01 * value.grad).detach()
        for name, value in naive.named_parameters()
        if value.grad is not None and not (freezes_cnn and name.startswith("cnn."))
    }
    assert_same(dict(step.net.named_parameters()), expected)


def test_a_clipped_gradient_has_the_norm_asked_for(dataset: ShardDataset) -> None:
    options = replace(OPTIONS, clip_grad=1e-3, lr=1.0)
    step = make_step(options)
    before = [value.detach().clone() for value in step.net.parameters()]
    step.run([dataset.__getitems__([0, 1])], step=0, epoch=0, lr=1.0)
    changes = [new.detach() - old for new, old in zip(step.net.parameters(), before, strict=True)]
    norm = torch.stack([change.norm() for change in changes]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-2)


def test_a_step_depends_on_its_number_and_not_on_the_generators_state(
    dataset: ShardDataset,
) -> None:
    options = OPTIONS.with_values({"dropout": 0.5})
    batch = dataset.__getitems__([0, 1, 2])
    losses = []
    for number, noise in ((7, 1), (7, 2), (8, 2)):
        step = make_step(options)
        torch.manual_seed(noise)
        losses.append(step.run([batch], step=number, epoch=0, lr=OPTIONS.lr).read().loss)
    assert losses[0] == losses[1] != losses[2]


def test_a_restored_step_goes_on_as_the_first_would(dataset: ShardDataset) -> None:
    options = replace(OPTIONS, optimizer="adam", lr=1e-3)
    batch = dataset.__getitems__([0, 1, 2])
    one, other = make_step(options), make_step(options)
    one.run([batch], step=0, epoch=0, lr=OPTIONS.lr)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for step in (one, other):
        step.run([batch], step=1, epoch=0, lr=OPTIONS.lr)
    for left, right in zip(one.net.parameters(), other.net.parameters(), strict=True):
        assert torch.equal(left, right)


def test_a_restored_step_has_the_mean_of_its_checkpoint(dataset: ShardDataset) -> None:
    def step_of(mean: float) -> TrainStep:
        image = torch.full((3, 32, 32), mean)
        return TrainStep(OPTIONS, classes=3, mean=image, processor=CPU, ranks=Ranks())

    before, after = step_of(100), step_of(50)  # as after an append
    assert after.preprocess.mean.max() == 50
    after.load_state_dict(before.state_dict())
    batch = dataset.__getitems__([0])
    assert torch.equal(after.preprocess(batch), before.preprocess(batch))
    older = before.state_dict()
    del older["preprocess"]
    step_of(50).load_state_dict(older)


def test_two_processes_do_the_step_of_all_their_clips_together(
    make_data_set: Callable[..., Path], tmp_path: Path
) -> None:
    # 5 clips: one process takes 3, the other 2
    data = make_data_set(samples={"train": [5]}, sizes=((32, 32),))
    out = tmp_path / "run"
    arguments = (
        f"--shards {data} --out {out} --cnn small --size 32x32 --lstm-hidden 8 --dropout 0"
        " --mean none --optimizer sgd --lr 0.1 --epochs 1 --batch-size 3 --device cpu"
    ).split()
    # as torchrun starts them, which would import torch once more
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "lrcn_cli.train", *arguments],
            env={**os.environ, **group, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    dataset = ShardDataset(data)
    order = EpochSampler(dataset, batch_size=5).order().tolist()
    batches = [dataset.__getitems__(order[:3]), dataset.__getitems__(order[3:])]
    found = dict(load_run(out, CPU).net.named_parameters())
    assert_same(found, naive_weights(OPTIONS, batches))


def test_a_frozen_part_keeps_its_weights_and_running_statistics(dataset: ShardDataset) -> None:
    step = make_step(replace(OPTIONS, freeze=("cnn",), init="elsewhere"))
    before = copy.deepcopy(step.net.state_dict())
    step.run([dataset.__getitems__([0, 1])], step=0, epoch=0, lr=0.1)
    after = step.net.state_dict()
    changed = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert changed == {"head", "classifier"}


def test_the_scored_net_is_the_moving_average_of_the_weights(dataset: ShardDataset) -> None:
    step = make_step(replace(OPTIONS, ema=0.75))
    expected: dict[str, torch.Tensor] = {}
    for number in range(4):
        step.run([dataset.__getitems__([number])], step=number, epoch=0, lr=0.1)
        for name, value in step.net.named_parameters():
            now = value.detach().clone()
            expected[name] = 0.75 * expected[name] + 0.25 * now if number else now
    assert_same(dict(step.scored.named_parameters()), expected)
    assert not torch.equal(step.scored.classifier.weight, step.net.classifier.weight)


def test_the_moving_average_goes_on_from_a_checkpoint(dataset: ShardDataset) -> None:
    options = replace(OPTIONS, ema=0.9)
    one, other = make_step(options), make_step(replace(options, seed=5))
    batch = dataset.__getitems__([0, 1])
    one.run([batch], step=0, epoch=0, lr=0.1)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for step in (one, other):
        step.run([batch], step=1, epoch=0, lr=0.1)
    for name, value in one.scored.state_dict().items():
        assert torch.equal(value, other.scored.state_dict()[name]), name


def test_a_checkpoint_from_before_there_were_heads_goes_on_as_it_would_have(
    dataset: ShardDataset,
) -> None:
    options = replace(OPTIONS, ema=0.9, optimizer="adam")
    one, other = make_step(options), make_step(replace(options, seed=5))
    batch = dataset.__getitems__([0, 1])
    one.run([batch], step=0, epoch=0, lr=0.1)
    old = copy.deepcopy(one.state_dict())
    for part in ("net", "ema"):
        old[part] = {name.replace("head.lstm", "lstm"): old[part][name] for name in old[part]}
    assert {"lstm.weight_ih_l0", "module.lstm.weight_ih_l0"} <= {*old["net"], *old["ema"]}
    other.load_state_dict(old)
    for step in (one, other):
        step.run([batch], step=1, epoch=0, lr=0.1)
    for name, value in one.scored.state_dict().items():
        assert torch.equal(value, other.scored.state_dict()[name]), name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
# torch.compile hides this one of its own, unless warnings are errors
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on a CPU")
@pytest.mark.parametrize(
    "head", [Part("lstm", hidden=8), Part("gru", hidden=8, layers=2, bidirectional=True)], ids=str
)
def test_a_compiled_step_does_what_a_plain_one_does(dataset: ShardDataset, head: Part) -> None:
    options = OPTIONS.with_values({"head": head})
    plain, fast = make_step(options), make_step(replace(options, compile=True))
    batch = dataset.__getitems__([0, 1, 2])
    for step in (plain, fast):
        step.run([batch], step=0, epoch=0, lr=0.1)
    assert list(plain.state_dict()["net"]) == list(fast.state_dict()["net"])
    assert_same(fast.net.state_dict(), plain.net.state_dict())


def test_compiling_without_a_compiler_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match=r"no no-such-compiler; install it.*leave --compile out"):
        make_step(replace(OPTIONS, compile=True))


def test_each_part_learns_at_its_own_rate_and_the_others_at_lr(dataset: ShardDataset) -> None:
    rates = ("cnn=0.01", "cnn.0=0", "classifier=0.2")
    batch = [dataset.__getitems__([0, 1])]
    before = make_step(OPTIONS).net.state_dict()
    whole, parted = make_step(OPTIONS), make_step(replace(OPTIONS, part_lr=rates))
    # half of the rate that --lr says, as a schedule may have it
    for step in (whole, parted):
        step.run(batch, step=0, epoch=0, lr=0.05)
    for name, first in before.items():
        if "running" in name or "tracked" in name:
            continue
        factor = 0.1 if name.startswith("cnn.") else 2 if name.startswith("classifier.") else 1
        if name.startswith("cnn.0."):
            factor = 0
        moved, expected = (one.net.state_dict()[name] - first for one in (parted, whole))
        torch.testing.assert_close(moved, factor * expected, rtol=1e-3, atol=1e-7)


def test_without_rates_of_parts_the_optimizer_keeps_what_it_always_did() -> None:
    groups = make_step(OPTIONS).optimizer.state_dict()["param_groups"]
    assert len(groups) == 1
    assert "lr_factor" not in groups[0]


def test_a_module_within_a_part_is_frozen_by_its_name(dataset: ShardDataset) -> None:
    step = make_step(replace(OPTIONS, freeze=("cnn.1",), init="elsewhere"))
    before = copy.deepcopy(step.net.state_dict())
    step.run([dataset.__getitems__([0, 1])], step=0, epoch=0, lr=0.1)
    same = {
        name for name, value in step.net.state_dict().items() if torch.equal(value, before[name])
    }
    assert {name for name in before if name.startswith("cnn.1.")} <= same
    assert "cnn.0.weight" not in same
