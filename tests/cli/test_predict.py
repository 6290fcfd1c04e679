"""lrcn-predict as a user calls it, on generated videos."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import simplejpeg
import torch

from lrcn_data.errors import LrcnError
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import read_clips

MakeDataSet = Callable[..., Path]
TRAIN = ["--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"]


def predict(*arguments: str | Path) -> None:
    from lrcn_cli.predict import command

    command.main([str(argument) for argument in arguments], standalone_mode=False)


def write_video(path: Path, frames: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 64, 48
        for _ in range(frames):
            pixels = rng.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def run(make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run by itself, without the shards it was trained on, beside some videos."""
    from lrcn_cli.train import command

    data = make_data_set(samples={"train": [4]}, classes=7)
    monkeypatch.chdir(data.parent)
    command.main(
        [*TRAIN, "--shards", "shards", "--epochs", "1", "--out", "run"], standalone_mode=False
    )
    shutil.rmtree(data)
    write_video(Path("long.avi"), 60, 0)
    write_video(Path("short.avi"), 10, 1)
    return Path("run")


def test_the_options_are_those_that_scripts_depend_on() -> None:
    from lrcn_cli.predict import command

    found = {option for parameter in command.params for option in parameter.opts}
    assert found == {
        *("run_path", "sources", "--top", "--device", "--decoder", "--cnn", "--head", "--json"),
        *("--debug", "--version", "--frame-kind", "--sampling", "--batch-size"),
        *("--picture-rate", "--max-hours", "--min-score", "--views", "--crop", "--root", "--span"),
        *("--timeline", "--min-length", "--enter", "--leave"),
        *("--csv", "--vtt", "--render", "--strip", "--log", "--log-file"),
        *("--live", "--patience", "--reconnects"),
        *("--serve", "--address", "--max-size", "--max-seconds", "--browser"),
    }


def test_a_video_that_lasts_too_long_is_reported_with_the_option_that_takes_it(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with pytest.raises(LrcnError, match="1 of 1"):
        predict(run, "long.avi", "--json", "--max-hours", "0.0003")
    found = json.loads(capsys.readouterr().out)
    assert "the limit is 1; --max-hours sets it" in found["error"]
    predict(run, "long.avi", "--json", "--max-hours", "5")
    found = json.loads(capsys.readouterr().out)
    assert found["error"] is None


def test_the_probabilities_are_those_of_the_blocks_middle_frames(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lrcn_model.processor import choose_processor
    from lrcn_model.scoring.trained_run import load_run

    capsys.readouterr()
    predict(run, "long.avi", "--top", "7", "--json")
    found = json.loads(capsys.readouterr().out)
    options = ClipOptions(fps=Fraction(5), sampling=Center(seq_len=4))
    [clip] = read_clips(Path("long.avi"), "any name", options).clips
    trained = load_run(run, choose_processor("cpu", "off"))
    jpegs = [simplejpeg.encode_jpeg(f, 90, colorsubsampling="420") for f in clip.frames]
    decoded = np.stack([simplejpeg.decode_jpeg(jpeg) for jpeg in jpegs])
    frames = torch.from_numpy(decoded).permute(0, 3, 1, 2).float()
    frames = torch.nn.functional.interpolate(frames, (32, 32), mode="bilinear", antialias=True)
    with torch.inference_mode():
        scores = trained.net(((frames - trained.preprocess.mean) / 255)[None])[0]
    expected = scores.log_softmax(-1).mean(0).softmax(0)
    probabilities = {guess["label"]: guess["probability"] for guess in found["guesses"]}
    for label, probability in enumerate(expected.tolist()):
        assert probabilities[label] == pytest.approx(probability, abs=2e-3)
    assert sum(probabilities.values()) == pytest.approx(1)
    ordered = [guess["probability"] for guess in found["guesses"]]
    assert ordered == sorted(ordered, reverse=True)
    assert [frame["seconds"] for frame in found["frames"]] == clip.frame_times


def test_a_short_video_is_padded_and_only_its_real_frames_are_named(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    predict(run, "short.avi", "--json")
    found = json.loads(capsys.readouterr().out)
    assert len(found["guesses"]) == 5
    assert len(found["frames"]) == found["padded"] == 2
    predict(run, "short.avi", "long.avi")
    said = capsys.readouterr().err
    assert "short.avi has 2 of the 4 frames of a clip; the last one is repeated\n" in said
    assert "long.avi" not in said


def test_a_video_that_cant_be_read_keeps_no_other_from_it(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("text.avi").write_text("no video")
    capsys.readouterr()
    with pytest.raises(LrcnError, match="2 of 3 videos could not be read"):
        predict(run, "text.avi", "missing.avi", "long.avi", "--json")
    text, missing, sound = map(json.loads, capsys.readouterr().out.splitlines())
    assert text["error"].startswith("not-a-video")
    assert missing["error"].startswith("missing")
    assert sound["error"] is None
    assert len(sound["guesses"]) == 5


def test_a_video_without_a_frame_at_the_runs_rate_keeps_no_other_from_it(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(Path("one.avi"), 1, 2)
    capsys.readouterr()
    with pytest.raises(LrcnError, match="1 of 2 videos could not be read"):
        predict(run, "one.avi", "long.avi", "--json")
    empty, sound = map(json.loads, capsys.readouterr().out.splitlines())
    assert empty["error"] == "short: no frame at 5 frames a second"
    assert sound["error"] is None


def test_people_get_a_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd [name].avi").write_bytes(Path("long.avi").read_bytes())
    capsys.readouterr()
    predict(run, "odd [name].avi", "--top", "2")
    shown = capsys.readouterr().out
    assert "odd [name].avi" in shown
    assert shown.count("%") == 2


def test_a_video_is_none_of_the_classes_below_the_least_score(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    predict(run, "long.avi", "--min-score", "0.999", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["class_name"] is None
    assert found["temperature"] is None
    assert len(found["guesses"]) == 5
    predict(run, "long.avi", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["class_name"] == found["guesses"][0]["name"]
    predict(run, "long.avi", "--min-score", "0.999", "--top", "2")
    shown = capsys.readouterr().out
    assert [line.split()[3] for line in shown.splitlines() if "long.avi" in line] == ["none"]
    assert shown.count("%") == 2
    assert "the run isn't calibrated" in " ".join(shown.split())
    predict(run, "long.avi", "--min-score", "0.999", "--csv", "segments.csv")
    assert "--enter about segments and their files" in capsys.readouterr().err


def test_a_video_longer_than_those_trained_on_is_said_to_be_cut_into_spans(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    predict(run, "long.avi", "--span", "1.2", "--json")
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["span"], found["clips"]) == (1.2, 3)
    assert (
        "long.avi lasts 0:02 and is scored in spans of 1.2 s, as long as --span says; they overlap"
        " by half\n" in said.err
    )
    write_video(Path("longer.avi"), 25 * 40, 3)
    predict(run, "longer.avi", "--json")
    said = capsys.readouterr()
    assert (json.loads(said.out)["span"], json.loads(said.out)["clips"]) == (None, 1)
    assert "longer.avi is one clip, of frames 10.0 s apart: the run doesn't say how" in said.err
