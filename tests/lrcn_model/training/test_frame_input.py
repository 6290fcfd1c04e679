"""Trainings of nets that see differences of frames: what is kept, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_model import evaluate, load_run, train
from lrcn_model.training.options import TrainOptions

VALUES: dict[str, Any] = {
    "cnn": "small",
    "size": (32, 32),
    "lstm_hidden": 5,
    "epochs": 1,
    "device": "cpu",
    "workers": 0,
}


@pytest.fixture
def data(make_data_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_data_set(samples={"train": [7], "test": [4]}, seq_len=3)
    monkeypatch.chdir(folder.parent)
    return folder


@pytest.mark.parametrize("frame_input", ["differences", "both"])
def test_a_run_keeps_what_its_net_sees_of_frames(data: Path, frame_input: str) -> None:
    train(data, out="run", frame_input=frame_input, **VALUES)
    run = load_run("run", device="cpu")
    assert (run.net.config.frame_input, run.net.config.channels) == (frame_input, 3)
    assert f'frame_input = "{frame_input}"' in Path("run/config.toml").read_text()
    assert evaluate(run, data).result.clips == 4
    train(resume="run", epochs=2)
    assert load_run("run", device="cpu").net.config.frame_input == frame_input
    with pytest.raises(UsageError, match=f"run has --frame-input {frame_input}, this .* frames"):
        train(data, out="other", init="run", **VALUES)


def test_plain_frames_make_the_run_that_they_always_made() -> None:
    assert "frame_input" not in TrainOptions().loss_values()
    both = TrainOptions().with_values({"frame_input": "both"})
    assert both.loss_values() == {**TrainOptions().loss_values(), "frame_input": "both"}


def test_a_training_that_leaves_frames_out_goes_on_as_if_it_had_not_stopped(data: Path) -> None:
    values = {**VALUES, "frame_input": "both", "modality_dropout": 0.5, "lr_schedule": "none"}
    train(data, out="whole", **{**values, "epochs": 2})
    train(data, out="run", **values)
    train(resume="run", epochs=2)
    whole, run = (Path(name, "weights.safetensors").read_bytes() for name in ("whole", "run"))
    assert run == whole
    assert load_run("run", device="cpu").net.config.modality_dropout == 0.5
    train(data, out="other", **{**values, "epochs": 2, "modality_dropout": 0.0})
    assert Path("other", "weights.safetensors").read_bytes() != whole


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"modality_dropout": 1.0, "frame_input": "both"}, "must be below 1, got 1"),
        ({"modality_dropout": 0.3}, "it goes with --frame-input both"),
        (
            {
                "modality_dropout": 0.3,
                "frame_input": "both",
                "freeze": ("cnn",),
                "pretrained": "library",
            },
            "is for a CNN that learns, and --freeze keeps it as it is",
        ),
    ],
)
def test_frames_that_cant_be_left_out_are_told(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TrainOptions().with_values(values)


def test_weights_for_frames_alone_are_refused_for_both_and_taken_for_differences(
    data: Path,
) -> None:
    train(data, out="before", **VALUES)
    with pytest.raises(UsageError, match=r"^--frame-input both has twice .* differences$"):
        train(data, out="both", pretrained="before", frame_input="both", **VALUES)
    train(data, out="differences", pretrained="before", frame_input="differences", **VALUES)


def test_windows_that_carry_their_state_have_no_differences() -> None:
    values = {"window": 8, "carry_state": True, "frame_input": "both"}
    with pytest.raises(UsageError, match=r"^--carry-state goes on .* --frame-input both begins"):
        TrainOptions().with_values(values)


def test_features_are_kept_where_a_frame_always_follows_the_same_one() -> None:
    frozen = {"pretrained": "library", "freeze": ("cnn",)}
    cached = {
        (frame_input, window): TrainOptions()
        .with_values({**frozen, "frame_input": frame_input, "window": window})
        .caches_features
        for frame_input in ("frames", "both")
        for window in (None, 16)
    }
    assert cached == {
        ("frames", None): True,
        ("frames", 16): True,
        ("both", None): True,
        ("both", 16): False,
    }
