"""Exported models give the answers of the net that they were made of."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lrcn_data import read_clips
from lrcn_data.errors import LrcnError, UsageError
from lrcn_model import OnnxModel, export, load_run
from lrcn_model.nets.net_config import Part

SaveRun = Callable[..., Path]

DOC = (Path(__file__).resolve().parents[3] / "docs/exporting.md").read_text()
FRAME_SIZE = (180, 144)

CAUSAL = [Part("lstm", hidden=6), Part("gru", hidden=6, layers=2), Part("none")]
NOT_CAUSAL = [
    Part("mean"),
    Part("lstm", hidden=6, bidirectional=True),
    Part("gru", hidden=6, input="centered"),
]
WITH_DIFFERENCES = Part("gru", hidden=6, input="both")


def onnx() -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)


def some_frames(clips: int, frames: int) -> Tensor:
    """Clips of real videos where LRCN_REAL_VIDEOS has them, else of random pixels of their size."""
    if "LRCN_REAL_VIDEOS" not in os.environ:
        generator = torch.Generator().manual_seed(1)
        shape = (clips, frames, 144, 180, 3)
        return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    videos = sorted((Path(os.environ["LRCN_REAL_VIDEOS"]) / "weizmann").glob("*/denis_*.avi"))
    values = {"fps": 12.5, "seq_len": frames, "sampling": "windows"}
    found = [read_clips(video, **values).clips[0] for video in videos[:clips]]
    return torch.from_numpy(np.array([clip.frames for clip in found]))


def small_frames(clips: int) -> Tensor:
    """The first frames of such clips, of the size that the runs have stored."""
    return some_frames(clips, 4)[:, :, :48, :64].contiguous()


def expected(run: Path, frames: Tensor) -> Tensor:
    """The log-probabilities as the net itself gives them."""
    return load_run(run, device="cpu").score_frames(frames).log_softmax(dim=-1)


def check_clips(run: Path, out: Path) -> None:
    assert export(run, out, frame_size=FRAME_SIZE).difference < 1e-4
    model = OnnxModel(out)
    for clips in (1, 3):
        frames = some_frames(clips, 4)
        found = torch.from_numpy(model.score(frames.numpy()))
        torch.testing.assert_close(found, expected(run, frames), atol=1e-4, rtol=0)


def check_steps(run: Path, out: Path, *, at_a_time: int = 1) -> None:
    export(run, out, graph="step", frame_size=FRAME_SIZE, frames=at_a_time)
    model = OnnxModel(out)
    frames = some_frames(3, 8)
    found, state = [], None
    for piece in frames.split(at_a_time, dim=1):
        log_probs, state = model.step(np.ascontiguousarray(piece), state)
        found.append(torch.from_numpy(log_probs))
    torch.testing.assert_close(torch.cat(found, 1), expected(run, frames), atol=1e-4, rtol=0)


def first_fast(heads: Sequence[Part]) -> list[Any]:
    """Heads as parameters, all but the first one marked as slow."""
    slow = [pytest.param(head, id=str(head), marks=pytest.mark.slow) for head in heads[1:]]
    return [pytest.param(heads[0], id=str(heads[0])), *slow]


@pytest.mark.parametrize("head", first_fast([*CAUSAL, *NOT_CAUSAL, WITH_DIFFERENCES]))
def test_clips_get_the_answers_of_the_net(head: Part, save_run: SaveRun, tmp_path: Path) -> None:
    onnx()
    check_clips(save_run(net={"head": head}), tmp_path / "clip.onnx")


@pytest.mark.parametrize("head", first_fast(CAUSAL))
def test_steps_get_the_answers_of_the_net_for_the_whole(
    head: Part, save_run: SaveRun, tmp_path: Path
) -> None:
    onnx()
    check_steps(save_run(net={"head": head}), tmp_path / "step.onnx")


def test_steps_may_be_of_several_frames(save_run: SaveRun, tmp_path: Path) -> None:
    onnx()
    check_steps(save_run(net={"head": CAUSAL[0]}), tmp_path / "step.onnx", at_a_time=4)


@pytest.mark.slow
@pytest.mark.parametrize("head", [*CAUSAL, *NOT_CAUSAL], ids=str)
def test_lite0_does_as_well(head: Part, save_run: SaveRun, tmp_path: Path) -> None:
    onnx()
    run = save_run(net={"cnn": "lite0", "head": head}, size=(64, 64))
    check_clips(run, tmp_path / "clip.onnx")
    if head in CAUSAL:
        check_steps(run, tmp_path / "step.onnx")


def test_frames_may_be_seen_as_differences(save_run: SaveRun, tmp_path: Path) -> None:
    onnx()
    run = save_run(net={"frame_input": "both", "lstm_hidden": 6})
    check_clips(run, tmp_path / "clip.onnx")


@pytest.mark.parametrize("head", [*CAUSAL, *NOT_CAUSAL], ids=str)
def test_programs_of_torch_export_give_the_same(
    head: Part, save_run: SaveRun, tmp_path: Path
) -> None:
    run = save_run(net={"head": head})
    done = export(run, tmp_path / "clip.pt2", format="torch.export")
    files = {"lrcn.json": ""}
    with (tmp_path / "clip.pt2").open("rb") as file:
        model = torch.export.load(file, extra_files=files).module()
    for clips in (1, 3):
        frames = small_frames(clips)
        torch.testing.assert_close(model(frames), expected(run, frames), atol=1e-5, rtol=0)
    assert type(done.facts).from_json(files["lrcn.json"]) == done.facts


def test_a_program_steps_as_well(save_run: SaveRun, tmp_path: Path) -> None:
    run = save_run(net={"head": CAUSAL[0]})
    done = export(run, tmp_path / "step.pt2", format="torch.export", graph="step")
    assert done.facts.states == [[1, 1, 6], [1, 1, 6]]
    assert done.difference < 1e-5


def test_several_labels_a_clip_have_probabilities_of_their_own(
    save_run: SaveRun, tmp_path: Path
) -> None:
    onnx()
    run = save_run(net={"lstm_hidden": 6}, multi_label=True, calibration=None)
    export(run, tmp_path / "clip.onnx")
    frames = small_frames(2)
    probabilities = load_run(run, device="cpu").score_frames(frames).sigmoid()
    found = np.exp(OnnxModel(tmp_path / "clip.onnx").score(frames.numpy()))
    np.testing.assert_allclose(found, probabilities.numpy(), atol=1e-5)


def test_a_model_says_what_its_user_must_know(save_run: SaveRun, tmp_path: Path) -> None:
    onnx()
    done = export(save_run(net={"lstm_hidden": 6}), tmp_path / "clip.onnx")
    facts = OnnxModel(tmp_path / "clip.onnx").facts
    assert facts == done.facts
    assert (facts.graph, facts.classes) == ("clip", ["walk", "läuft", "a, b"])
    assert (facts.fps, facts.seq_len, facts.frames) == (Fraction(25, 2), 4, 4)
    assert facts.frame_size == facts.stored_size == (64, 48)
    assert (facts.average, facts.temperature) == ("log-probs", 1.5)
    assert facts.recipe == {"sampling": "windows", "stride": 2}


def test_the_example_runs_a_model_without_lrcn_and_without_torch(
    save_run: SaveRun, tmp_path: Path
) -> None:
    onnx()
    example = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)[0]
    assert len(ast.parse(example).body) == 10
    run = save_run(net={"lstm_hidden": 6})
    export(run, tmp_path / "clip.onnx")
    absent = "\nimport sys\nassert not {'torch', 'lrcn_model', 'lrcn_data'} & sys.modules.keys()"
    done = subprocess.run(
        [sys.executable, "-c", example + absent], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    mean = expected(run, torch.zeros(1, 4, 48, 64, 3, dtype=torch.uint8)).mean(dim=(0, 1)) / 1.5
    probability, best = mean.softmax(0).max(0)
    name, _, said = done.stdout.strip().rpartition(" ")
    assert name == ["walk", "läuft", "a, b"][best]
    assert float(said) == pytest.approx(float(probability), abs=1e-4)


@pytest.mark.parametrize("head", NOT_CAUSAL, ids=str)
def test_a_head_that_looks_at_frames_to_come_has_no_step(
    head: Part, save_run: SaveRun, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"looks at frames to come, .*take --graph clip"):
        export(save_run(net={"head": head}), tmp_path / "a", format="torch.export", graph="step")


@pytest.mark.parametrize(
    "net", [{"head": WITH_DIFFERENCES}, {"lstm_hidden": 6, "frame_input": "differences"}]
)
def test_differences_have_no_step(net: dict[str, Any], save_run: SaveRun, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"first frame differently .*take --graph clip"):
        export(save_run(net=net), tmp_path / "a", format="torch.export", graph="step")


@pytest.mark.parametrize(
    ("values", "changes", "said"),
    [
        ({"format": "tflite"}, {}, "--format must be one of onnx, torch.export, got 'tflite'"),
        ({"graph": "video"}, {}, "--graph must be one of clip, step, got 'video'"),
        ({"frames": 0}, {}, "--frames must be at least 1, got 0"),
        ({"frame_size": (0, 9)}, {}, "--frame-size must be at least 1x1, got 0x9"),
        ({}, {"stored_size": None}, "frames of their own size; say with --frame-size"),
        ({}, {"frame_kind": "flow"}, "frames of the kind flow, .*only runs on rgb frames"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(
    values: dict[str, Any],
    changes: dict[str, Any],
    said: str,
    save_run: SaveRun,
    tmp_path: Path,
) -> None:
    run = save_run(net={"lstm_hidden": 6}, **changes)
    with pytest.raises(UsageError, match=said) as caught:
        export(run, tmp_path / "out", **{"format": "torch.export", **values})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone is no folder that a\.pt2 can be written to"):
        export("no run", tmp_path / "gone/a.pt2", format="torch.export")


def test_a_model_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*a\.onnx; name the model"):
        OnnxModel(tmp_path / "a.onnx")


def test_missing_packages_are_named(
    save_run: SaveRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"onnxscript.* pip install 'lrcn\[export\]'"):
        export(save_run(net={"lstm_hidden": 6}), tmp_path / "clip.onnx")


UNTRACEABLE = """
__version__ = "1"

from torch import nn

class Head(nn.Module):
    hidden = 128

    def forward(self, features, lengths, state):
        return (features if features.sum() > 0 else -features), None

def build(config, features):
    return Head()
"""


def test_a_plug_in_that_cannot_be_traced_is_refused_by_name(
    save_run: SaveRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "untraceable.py").write_text(UNTRACEABLE)
    monkeypatch.syspath_prepend(tmp_path)
    name = "untraceable:build"
    run = save_run(net={"head": name})
    with pytest.raises(UsageError, match=f"--head {name}.* can't be exported to torch") as caught:
        export(run, tmp_path / "out", format="torch.export", plugins=[name])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    onnx()
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(LrcnError, match=r"a\.onnx can't be read as a model of lrcn-export"):
        OnnxModel(tmp_path / "a.onnx")


@pytest.mark.parametrize("shape", [(1, 3, 48, 64, 3), (1, 4, 64, 48, 3), (4, 48, 64, 3)])
def test_frames_of_another_shape_are_refused(
    shape: Sequence[int], save_run: SaveRun, tmp_path: Path
) -> None:
    onnx()
    export(save_run(net={"head": "none"}), tmp_path / "clip.onnx")
    model = OnnxModel(tmp_path / "clip.onnx")
    with pytest.raises(UsageError, match=r"takes RGB frames of 64x48, 4 a clip"):
        model.score(np.zeros(shape, np.uint8))
    with pytest.raises(UsageError, match=r"takes a clip at a time, not a step"):
        model.step(np.zeros((1, 4, 48, 64, 3), np.uint8))


def test_the_facts_are_json_that_any_program_reads(save_run: SaveRun, tmp_path: Path) -> None:
    done = export(save_run(net={"head": "none"}), tmp_path / "a.pt2", format="torch.export")
    assert json.loads(done.facts.to_json())["fps"] == "25/2"
    later = json.dumps({**json.loads(done.facts.to_json()), "version": 2})
    with pytest.raises(ValueError, match="has version 2, this lrcn reads up to 1"):
        type(done.facts).from_json(later)
