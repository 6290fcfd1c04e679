"""lrcn-export as a user calls it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.trained_run import RunFacts, save_weights
from tests.commands import call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the weights of a run."""
    torch.manual_seed(0)
    net = LRCN(NetConfig(classes=2, cnn="small", size=(32, 32), lstm_hidden=4))
    facts = RunFacts(
        classes=["walk", "run"],
        seq_len=3,
        fps=Fraction(5),
        average="log-probs",
        stored_size=(40, 30),
        trained={},
    )
    save_weights(tmp_path / "weights.safetensors", net, Preprocess((32, 32)), facts)
    return tmp_path


def test_the_options_are_those_that_scripts_depend_on() -> None:
    from lrcn_cli.export import command

    found = {option for parameter in command.params for option in parameter.opts}
    assert found == {
        *("run_path", "--out", "--format", "--graph", "--frame-size", "--frames"),
        *("--cnn", "--head", "--json", "--debug", "--version"),
    }


def test_a_model_is_written_and_described(folder: Path) -> None:
    done = call(
        *("export", "weights.safetensors", "--format", "torch.export", "--out", "clip.pt2"),
        folder=folder,
    )
    assert done.stdout.startswith("clip.pt2: a clip of 3 frames of 40x30 to 2 classes; differs")
    assert done.stderr == ""
    assert (folder / "clip.pt2").stat().st_size > 100_000


def test_a_step_is_described_as_json(folder: Path) -> None:
    done = call(
        *("export", "weights.safetensors", "--format", "torch.export", "--graph", "step"),
        *("--frame-size", "64x48", "--out", "step.pt2", "--json"),
        folder=folder,
    )
    said = json.loads(done.stdout)
    assert (said["graph"], said["frames"], said["frame_size"]) == ("step", 1, [64, 48])
    assert (said["classes"], said["fps"]) == (["walk", "run"], "5")
    assert said["difference"] < 1e-4


def test_a_step_is_described_with_its_state(folder: Path) -> None:
    done = call(
        *("export", "weights.safetensors", "--format", "torch.export", "--graph", "step"),
        *("--out", "step.pt2"),
        folder=folder,
    )
    assert "a step of 1 frame of 40x30, with a state of 2 tensors, to 2 classes" in done.stdout


def test_onnx_is_what_is_written_without_a_format(folder: Path) -> None:
    for name in ("onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    onnx = pytest.importorskip("onnx")
    done = call("export", "weights.safetensors", "--out", "clip.onnx", folder=folder)
    assert done.stderr == ""
    onnx.checker.check_model(folder / "clip.onnx", full_check=True)


def test_a_run_that_is_not_there_is_an_error_in_one_line(folder: Path) -> None:
    done = call(
        "export", "gone", "--out", "a.pt2", "--format", "torch.export", folder=folder, code=2
    )
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
