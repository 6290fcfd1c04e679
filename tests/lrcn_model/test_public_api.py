"""The names that other people's programs import, in a training loop of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
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
    folder = make_data_set()
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", OWN_TRAINING],
        cwd=folder.parent,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
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
    assert name in dir(package)


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
