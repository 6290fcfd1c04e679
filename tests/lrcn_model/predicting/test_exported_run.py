"""An ONNX model predicts as the run that it was made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lrcn_data.errors import LrcnError, UsageError
from lrcn_model import LRCN, NetConfig, Part, Preprocess, export, load_run, predict, watch
from lrcn_model.exporting import export as export_module
from lrcn_model.predicting.live_events import LiveFrame
from lrcn_model.predicting.prediction import Prediction
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.trained_run import RunFacts, save_weights

WriteVideo = Callable[..., Path]
CARRIED = {"labels_in_time": True, "window": 4, "carry_state": True}
WINDOWS = {"recipe": {"sampling": "windows", "stride": 2, "short": "pad"}}


@pytest.fixture(autouse=True)
def packages() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)


def save_run(folder: Path, head: Part | str = "gru", **facts: Any) -> Path:
    torch.manual_seed(7)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(40, 32), head=head)).eval()
    of_run = {
        "classes": ["a", "b", "c"],
        "seq_len": 4,
        "fps": 5,
        "average": "probs",
        "stored_size": (64, 48),
        "trained": {},
        **facts,
    }
    path = folder / "run.safetensors"
    save_weights(path, net, Preprocess((40, 32), torch.full((3,), 99.0)), RunFacts(**of_run))
    return path


def assert_same(found: Prediction, expected: Prediction) -> None:
    assert (found.clips, found.padded, found.span) == (
        expected.clips,
        expected.padded,
        expected.span,
    )
    assert found.temperature == expected.temperature
    for one, other in zip(found.guesses, expected.guesses, strict=True):
        assert (one.name, one.probability) == (
            other.name,
            pytest.approx(other.probability, abs=1e-5),
        )
    assert len(found.frames) == len(expected.frames) > 0
    for frame, known in zip(found.frames, expected.frames, strict=True):
        assert (frame.seconds, frame.name) == (known.seconds, known.name)
        assert frame.probability == pytest.approx(known.probability, abs=1e-5)
    assert len(found.segments) == len(expected.segments)


@pytest.mark.parametrize(
    ("graph", "head", "facts"),
    [
        ("clip", "gru", WINDOWS),
        ("step", "gru", WINDOWS),
        ("step", Part("lstm", hidden=6, layers=2), CARRIED),
        ("clip", Part("lstm", hidden=6, bidirectional=True), {**WINDOWS, "multi_label": True}),
        (
            "clip",
            "gru",
            {
                "video_seconds": VideoSeconds(median=2.0, longest=4.0),
                "calibration": Calibration(temperature=1.5, videos=90, shards=[]),
                "average": "log-probs",
            },
        ),
    ],
    ids=str,
)
def test_a_model_says_what_its_run_says(
    tmp_path: Path, write_video: WriteVideo, graph: str, head: Part | str, facts: dict[str, Any]
) -> None:
    run = save_run(tmp_path, head, **facts)
    model = export(run, tmp_path / "model.onnx", graph=graph).path
    # what a video too short for a clip is filled up with, only a causal head doesn't look at
    causal = head == "gru" or graph == "step"
    for frames in (73, 5) if causal else (73,):
        video = write_video("a.mp4", frames=frames, fps=10)
        timeline = frames > 5
        expected = predict(run, video, timeline=timeline)
        assert_same(predict(model, video, timeline=timeline), expected)
    with pytest.raises(UsageError, match=r"model\.onnx scores clips as they are; leave --views"):
        predict(model, video, views="flip")


def test_a_step_is_watched_with(tmp_path: Path, write_video: WriteVideo) -> None:
    run = save_run(tmp_path, **CARRIED)
    model = export(run, tmp_path / "step.onnx", graph="step").path
    video = write_video("a.mkv", frames=10, fps=10)
    expected = predict(run, video, timeline=True).frames
    frames = [one for one in watch(model, video) if isinstance(one, LiveFrame)]
    for frame, known in zip(frames, expected, strict=True):
        assert frame.guesses[0].probability == pytest.approx(known.probability, abs=1e-5)


def test_models_that_cant_predict_as_their_runs_say_what_to_do(
    tmp_path: Path, write_video: WriteVideo
) -> None:
    video = write_video("a.mkv", frames=10, fps=10)
    run = save_run(tmp_path, **CARRIED)
    clip = export(run, tmp_path / "clip.onnx").path
    with pytest.raises(UsageError, match="scores whole videos; export it with --graph step"):
        predict(clip, video)
    steps = export(run, tmp_path / "steps.onnx", graph="step", frames=2).path
    with pytest.raises(UsageError, match="takes steps of 2 frames; export it with --frames 1"):
        predict(steps, video)
    with pytest.raises(UsageError, match=r"may run any code when torch\.export\.load reads it"):
        predict(tmp_path / "clip.pt2", video)
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(LrcnError, match="can't be read as a model of lrcn-export"):
        predict(tmp_path / "text.onnx", video)
    run = save_run(tmp_path, **WINDOWS)
    windows = export(run, tmp_path / "windows.onnx").path
    with pytest.raises(UsageError, match="takes whole clips, so a stream can't be scored as it"):
        watch(windows, video)


def test_a_model_of_an_older_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "RUN_RECORD", "unknown")
    model = export(save_run(tmp_path, **WINDOWS), tmp_path / "old.onnx").path
    with pytest.raises(LrcnError, match=r"an older version exported .*; export it again"):
        predict(model, "a.mkv")
    assert load_run(tmp_path / "run.safetensors").facts.seq_len == 4
