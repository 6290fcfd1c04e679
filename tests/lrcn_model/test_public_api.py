"""The names that other people's programs import, in a training loop of their own."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

import lrcn_data
import lrcn_model

MakeDataSet = Callable[..., Path]

OWN_TRAINING = """
import torch
from lrcn_model import LRCN, EpochSampler, NetConfig, Preprocess, ShardDataset, collate

dataset = ShardDataset("shards/train-{000..001}.tar")
sampler = EpochSampler(dataset, batch_size=2, seed=0)
loader = torch.utils.data.DataLoader(
    dataset, batch_sampler=sampler, num_workers=2, collate_fn=collate
)
preprocess = Preprocess((32, 32), dataset.mean_image((32, 32)))
net = LRCN(NetConfig(cnn="small", classes=len(dataset.classes), size=(32, 32)))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(2):
    sampler.set_epoch(epoch)
    for batch in loader:
        scores = net(preprocess(batch)).mean(dim=1)
        loss = torch.nn.functional.cross_entropy(scores, batch.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(loss.item(), *batch.keys)
"""


def test_a_training_loop_of_ones_own_works(make_data_set: MakeDataSet) -> None:
    printed = io.StringIO()
    with chdir(make_data_set().parent), redirect_stdout(printed):
        exec(OWN_TRAINING, {})
    lines = [line.split() for line in printed.getvalue().splitlines()]
    assert len(lines) == 6
    for epoch in (lines[:3], lines[3:]):
        keys = [key for line in epoch for key in line[1:]]
        assert len(keys) == len(set(keys)) == 5


PACKAGES = [lrcn_data, lrcn_model]


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PACKAGES for name in package.__all__]
)
def test_every_public_name_can_be_imported_and_is_explained(package: ModuleType, name: str) -> None:
    thing = getattr(package, name)
    assert thing.__name__ == name
    assert thing.__doc__
    assert sorted(package.__all__) == dir(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no attribute 'Typo'"):
        _ = package.Typo


@pytest.mark.parametrize(
    ("package", "dear"), [("lrcn_model", "torch"), ("lrcn_data", "numpy"), ("lrcn_data", "av")]
)
def test_importing_a_package_imports_nothing_dear(package: str, dear: str) -> None:
    code = f"import sys, {package}; sys.exit({dear!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lrcn_model.train("shards", epoch=3), "there is no value 'epoch'"),
        (lambda: lrcn_model.train("shards", lr="fast"), "lr must be a number, got 'fast'"),
        (lambda: lrcn_model.train("shards", size=(0, 9)), "--size must be at least 1x1"),
        (lambda: lrcn_model.search("a.toml", trials=0), "--trials must be a whole number of at"),
        (lambda: lrcn_model.search("a", trials=1, sampler="grid"), "--sampler must be one of"),
        (lambda: lrcn_model.load_run("run", device="gpu"), "--device must be one of auto, cpu"),
        (lambda: lrcn_model.load_run("run", amp="int8"), "--amp must be one of auto, off"),
        (lambda: lrcn_model.evaluate("run", "shards", average="max"), "average must be one of"),
        (lambda: lrcn_model.evaluate("run", "shards", workers=-1), "workers -1 is out of range"),
        (
            lambda: lrcn_model.evaluate_in_time("run", "shards", batch_size=0),
            "batch_size 0 or worker",
        ),
        (
            lambda: lrcn_model.evaluate_in_time("run", "shards", alarm_length=1),
            "--alarm-length 1 is how long --alarm's class has to last; name the class",
        ),
        (lambda: lrcn_model.summarize_in_time([]), "there is no evaluation to sum up; name some"),
        (lambda: lrcn_model.predict("run", "clip.avi", top=0), "top 0 or batch_size 16 is below 1"),
        (lambda: lrcn_data.make_shards(size="64x64"), "--size must have sides from 1 to 8192"),
        (lambda: lrcn_data.make_shards(workers=-1), "--workers must be at least 0, got -1"),
        (lambda: lrcn_data.make_shards(seed="x"), "--seed must be a whole number, got 'x'"),
        (lambda: lrcn_data.make_shards(fps="fast"), "fps must be a number such as 5"),
        (lambda: lrcn_data.compute_stats("shards", workers=0), "--workers must be at least 1"),
        (lambda: lrcn_data.write_demo("demo", workers=-2), "--workers must be at least 1"),
    ],
)
def test_values_that_make_no_sense_are_refused_in_one_line(
    call: Callable[[], object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(lrcn_data.UsageError, match=said):
        call()
    assert list(tmp_path.iterdir()) == []
