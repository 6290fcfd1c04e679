"""lrcn-predict --live as a user calls it."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lrcn_cli import predict_live
from lrcn_cli.predict_live import describe

from lrcn_model import LRCN, LiveFrame, LiveSummary, NetConfig, Preprocess
from lrcn_model.predicting.live_events import Seen
from lrcn_model.scoring.trained_run import RunFacts, save_weights
from tests.commands import call

WriteVideo = Callable[..., Path]
LEAST = ["--device", "cpu"]


@pytest.fixture
def folder(tmp_path: Path, write_video: WriteVideo) -> Path:
    """A folder with a run whose state is carried on, and a video."""
    torch.manual_seed(5)
    net = LRCN(NetConfig(classes=3, cnn="small", size=(32, 32), head="gru")).eval()
    facts = RunFacts(
        classes=["walk", "run", "odd [name]"],
        seq_len=4,
        fps=Fraction(10),
        average="probs",
        stored_size=None,
        trained={},
        labels_in_time=True,
        window=4,
        carry_state=True,
    )
    save_weights(
        tmp_path / "run.safetensors", net, Preprocess((32, 32), torch.full((3,), 99.0)), facts
    )
    write_video("a.mkv", frames=12, fps=10)
    return tmp_path


def predict(folder: Path, *words: str | Path, code: int = 0) -> tuple[str, str]:
    done = call("predict", "run.safetensors", *words, *LEAST, folder=folder, code=code)
    return done.stdout, done.stderr


def test_the_lines_of_json_have_the_frames_of_the_timeline(folder: Path) -> None:
    said, _ = predict(folder, "a.mkv", "--timeline", "--json")
    expected = json.loads(said)
    said, _ = predict(folder, "--live", "a.mkv", "--json", "--csv", "a.csv", "--top", "1")
    *events, summary = map(json.loads, said.splitlines())
    frames = [event for event in events if event.pop("event") == "frame"]
    assert len(frames) == len(expected["frames"]) == 12
    for frame, known in zip(frames, expected["frames"], strict=True):
        [guess] = frame["guesses"]
        assert (frame["seconds"], guess["name"]) == (known["seconds"], known["name"])
        assert guess["probability"] == pytest.approx(known["probability"], abs=1e-5)
    segments = [event for event in events if "score" in event]
    assert [one["end"] for one in segments] == [one["end"] for one in expected["segments"]]
    assert summary.pop("event") == "summary"
    assert (summary["frames"], summary["dropped"], summary["seconds"]) == (12, 0, 1.2)
    rows = list(csv.DictReader((folder / "a.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == [one["name"] for one in segments]
    assert {row["video"] for row in rows} == {summary["source"]} == {"a.mkv"}


def test_a_pipe_gets_a_line_for_each_change_of_class_and_a_summary(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "a.mkv").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
        said, told = predict(folder, "--live", "-")
    lines = said.splitlines()
    names = [line.split("  ")[-2] for line in lines]
    assert lines[0].startswith("   0:00.0  ")
    assert all(before != after for before, after in pairwise(names))
    assert "-: 0:01.2 watched, 12 frames scored, 0 dropped\nfrom frame to score: " in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--live", "a.mkv", "b.mkv"], "SOURCE doesn't go with --live; leave it out"),
        (["--live", "a.mkv", "--timeline"], "--timeline doesn't go with --live; leave it out"),
        (["--live", "a.mkv", "--render", "o.mp4"], "--render doesn't go with --live"),
        (["--live", "a.mkv", "--serve"], "--live doesn't go with --serve; leave it out"),
        (["--live", "ftp://host/a"], "ftp://host/a can't be read live; name a file, a device, -"),
    ],
    ids=str,
)
def test_what_doesnt_go_with_live_is_refused(folder: Path, words: list[str], said: str) -> None:
    _, told = predict(folder, *words, code=2)
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("source", ["no.mkv", "/dev/null", "rtsp://127.0.0.1:9/x"])
def test_what_cant_be_opened_is_said_in_a_line(folder: Path, source: str) -> None:
    said, told = predict(folder, "--live", source, "--json", code=1)
    assert said == ""
    assert told.startswith("error: missing: ")
    assert told.count("\n") == 1


def test_without_live_an_address_of_a_stream_is_no_video(folder: Path) -> None:
    _, told = predict(folder, "rtsp://127.0.0.1:9/a", code=2)
    assert "rtsp" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_a_summary(
    folder: Path, write_video: WriteVideo, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def add(self: Any, seen: Seen) -> None:
        shown(self, seen)
        # later ones may come before the signal is heard, and on a busy machine some are dropped
        if isinstance(seen, LiveFrame) and seen.seconds >= 0.3 and not sent:
            sent.append(seen.seconds)
            os.kill(os.getpid(), number)

    sent: list[float] = []

    shown = predict_live._Json.add
    monkeypatch.setattr(predict_live._Json, "add", add)
    # a pipe that stays open
    out, into = os.pipe()
    os.write(into, write_video("long.mkv", frames=60, fps=10).read_bytes())
    # a shell has what it starts in the background ignore Ctrl-C, and so does pytest's process then
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with os.fdopen(out, "rb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
        try:
            said, told = predict(folder, "--live", "-", "--json", code=code)
        finally:
            signal.signal(signal.SIGINT, before)
        os.close(into)
    *events, summary = map(json.loads, said.splitlines())
    assert told == ""
    assert events[-1]["event"] == "segment"
    assert events[-1]["end"] >= sent[0] + 0.099
    assert summary["event"] == "summary"
    assert 1 <= summary["frames"] < 60


def test_a_summary_says_all_in_two_lines() -> None:
    summary = LiveSummary(
        source="rtsp://camera/a",
        seconds=3723.44,
        frames=12_345,
        dropped=3,
        damaged=2,
        reconnects=1,
        segments=4,
        latency=0.0123,
        latency_95=0.05,
        longest_latency=1.2,
    )
    assert describe(summary) == [
        "rtsp://camera/a: 1:02:03.4 watched, 12,345 frames scored, 3 dropped, as the net is slower,"
        " 2 damaged, opened again once",
        "from frame to score: 12 ms in the median, 95 % within 50 ms, 1,200 ms at most",
    ]
