from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_choice import RunChoice, resumed_options
from lrcn_model.training.run_name import run_name
from lrcn_model.training.run_record import TrainedOn, write_record

OPTIONS = TrainOptions(net=NetConfig(cnn="small"), epochs=10)
TRAINED_ON = TrainedOn(shards=["aa"], val_shards=[], classes=["walk"], seq_len=8, fps="5")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path / "run")
    write_record(folder, OPTIONS, TRAINED_ON, {})
    return folder.path


def test_a_run_without_a_folder_of_its_own_is_named_by_what_decides_its_losses() -> None:
    folder = RunChoice().folder(OPTIONS, TRAINED_ON)
    assert folder.path == Path("runs", run_name(OPTIONS, TRAINED_ON))


def test_the_folder_that_out_names_is_taken() -> None:
    assert RunChoice(out=Path("mine")).folder(OPTIONS, TRAINED_ON).path == Path("mine")


def test_a_resumed_run_keeps_its_values_but_for_those_given_now(run: Path) -> None:
    options = resumed_options(run, {"epochs": 20, "workers": 3})
    assert (options.net.cnn.name, options.epochs, options.workers) == ("small", 20, 3)


def test_a_run_is_not_resumed_with_fewer_epochs(run: Path) -> None:
    with pytest.raises(UsageError, match=r"--epochs 9 is fewer than the 10 of .*; give more"):
        resumed_options(run, {"epochs": 9})


def test_only_a_run_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no run: it has no config\.toml"):
        resumed_options(tmp_path, {})
