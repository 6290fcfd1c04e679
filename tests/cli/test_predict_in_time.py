"""lrcn-predict over folders, lists and pipes, and what it writes of timelines."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lrcn_data import make_shards
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.pictures.class_colours import class_colour
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.scoring.trained_run import save_weights
from tests.commands import call
from tests.lrcn_model.facts_of_shards import facts_of

WriteVideo = Callable[..., Path]
LEAST = ["--timeline", "--device", "cpu"]


@pytest.fixture
def folder(tmp_path: Path, write_video: WriteVideo) -> Path:
    """A folder with a run on labels in time, with the frames' state carried on, and videos."""
    for name in ("videos/walk/a.mp4", "videos/b.avi"):
        write_video(name, frames=90, fps=10, size=(96, 64))
    rows = "".join(f"{name},0,4,walk\n" for name in ("videos/walk/a.mp4", "videos/b.avi"))
    (tmp_path / "test.csv").write_text(f"video,start,end,label\n{rows}videos/b.avi,4,6,run\n")
    listed = {"test": tmp_path / "test.csv", "root": tmp_path, "workers": 0, "seq_len": 4}
    make_shards(tmp_path / "shards", **listed)
    data = ShardDataset(tmp_path / "shards")
    torch.manual_seed(2)
    net = LRCN(NetConfig(classes=2, cnn="small", size=(32, 32), head="gru")).eval()
    preprocess = Preprocess((32, 32), torch.full((3,), 99.0))
    with torch.inference_mode():
        scores_C = net(preprocess(data.__getitems__(range(len(data))))).flatten(0, 1).median(0)[0]
        # so that neither class is the likelier one all the time
        net.classifier.bias -= scores_C
    facts = facts_of(
        data, average="probs", trained={}, labels_in_time=True, window=4, carry_state=True
    )
    save_weights(tmp_path / "run.safetensors", net, preprocess, facts)
    return tmp_path


def predict(folder: Path, *words: str | Path, code: int = 0) -> tuple[str, str]:
    done = call("predict", "run.safetensors", *words, *LEAST, folder=folder, code=code)
    return done.stdout, done.stderr


def test_each_video_of_a_folder_and_of_a_list_has_a_line_of_json(folder: Path) -> None:
    (folder / "list.txt").write_text("videos/b.avi run\nvideos/missing.avi walk\n")
    said, told = predict(folder, "videos", "list.txt", "--json", code=1)
    first, second, missing = map(json.loads, said.splitlines())
    assert {first["video"], second["video"]} == {"videos/walk/a.mp4", "videos/b.avi"}
    assert missing["error"].startswith("missing: there is no regular file")
    assert "videos/missing.avi: missing: there is no regular file of that name" in told
    assert "1 of 3 videos could not be read; paths in lists are relative to --root, now ." in told
    for found in (first, second):
        assert len(found["frames"]) == 45
        assert found["segments"][0]["start"] == 0
        assert found["segments"][-1]["end"] == found["duration"] == 9.0
        for before, after in pairwise(found["segments"]):
            assert before["end"] == after["start"]


def test_people_get_one_table_of_segments_whose_rows_come_as_videos_are_done(folder: Path) -> None:
    said, _ = predict(folder, "videos", "videos/no.avi", code=1)
    lines = said.splitlines()
    assert [line for line in lines if "probability" in line] == [lines[1]]
    borders = [line[0] for line in lines if line[0] in "┏┡├└"]
    assert borders == ["┏", "┡", "├", "├", "└"]
    assert "0:09.0" in said
    assert len({len(line) for line in lines if line[0] in "┏┡├└│┃"}) == 1


def test_the_csv_is_a_list_of_labels_in_time_as_shard_reads_it(folder: Path) -> None:
    said, _ = predict(folder, "videos", "--csv", "found.csv", "--json")
    rows = list(csv.DictReader((folder / "found.csv").read_text().splitlines()))
    expected = [
        (found["video"], f"{s['start']:.3f}", f"{s['end']:.3f}", s["name"], f"{s['score']:.4f}")
        for found in map(json.loads, said.splitlines())
        for s in found["segments"]
    ]
    assert [tuple(row.values()) for row in rows] == expected
    make_shards(folder / "again", train=folder / "found.csv", root=folder, workers=0)
    data = ShardDataset(folder / "again")
    assert data.labels_in_time
    assert set(data.classes) == {row["label"] for row in rows} == {"walk", "run"}


def test_webvtt_has_a_cue_for_each_segment(folder: Path) -> None:
    said, _ = predict(folder, "videos/b.avi", "--vtt", "b.vtt", "--json")
    segments = json.loads(said)["segments"]
    header, *cues = (folder / "b.vtt").read_text().strip().split("\n\n")
    assert header == "WEBVTT"
    assert len(cues) == len(segments)
    for cue, segment in zip(cues, segments, strict=True):
        times, text = cue.split("\n")
        start, end = times.split(" --> ")
        for stamp, seconds in ((start, segment["start"]), (end, segment["end"])):
            hours, minutes, rest = stamp.split(":")
            assert re.fullmatch(r"\d\d\.\d{3}", rest)
            assert float(hours) * 3600 + float(minutes) * 60 + float(rest) == pytest.approx(seconds)
        assert text == f"{segment['name']} ({segment['score']:.0%})"


def test_a_rendered_video_has_all_frames_at_their_times_with_a_bar_in_the_classes_colours(
    folder: Path,
) -> None:
    said, _ = predict(folder, "videos/b.avi", "--render", "shown.mp4", "--json")
    segments = json.loads(said)["segments"]
    with av.open(str(folder / "videos/b.avi")) as container:
        source = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(folder / "shown.mp4")) as container:
        pictures = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode()]
    assert [time for time, _ in pictures] == pytest.approx([n / 10 for n in range(90)], abs=1e-3)
    (_, middle), before = pictures[45], source[45]
    assert middle.shape == before.shape == (64, 96, 3)
    # above what is burnt in, the picture is as it was, but for the encoder
    assert np.abs(middle[:40].astype(int) - before[:40]).mean() < 6
    for segment in segments:
        place = round(96 * (segment["start"] + segment["end"]) / 18)
        if abs(place - 48) > 4 and segment["end"] - segment["start"] > 1:
            assert np.abs(middle[-1, place].astype(int) - class_colour(segment["label"])).max() < 60
    assert not list(folder.glob("*partial*"))


def test_a_strip_shows_frames_over_a_band_in_the_classes_colours(folder: Path) -> None:
    said, _ = predict(folder, "videos/b.avi", "--strip", "strip.png", "--json")
    segments = json.loads(said)["segments"]
    with Image.open(folder / "strip.png") as picture:
        strip = np.asarray(picture)
    width = strip.shape[1] - 24
    # ten frames of 96x64, 128 pixels wide, stand above the band
    band = strip[12 + 85 + 15, 12 : 12 + width]
    for segment in segments:
        middle = round(width * (segment["start"] + segment["end"]) / 18)
        assert tuple(band[middle]) == class_colour(segment["label"])


def test_files_of_several_videos_go_into_a_folder_under_their_names(folder: Path) -> None:
    (folder / "videos/walk/b.mp4").write_bytes((folder / "videos/walk/a.mp4").read_bytes())
    predict(folder, "videos", "--vtt", "out", "--strip", "out")
    names = {path.name for path in (folder / "out").iterdir()}
    stems = {"a", "b", "b-2"}
    assert names == {f"{stem}{ending}" for stem in stems for ending in (".vtt", ".png")}
    _, told = predict(folder, "videos", "--vtt", "one.vtt", code=2)
    assert "--vtt one.vtt is one file, and there are 3 videos; name a folder" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("videos/b.avi", "--vtt", "videos/b.avi"), "--vtt would write over videos/b.avi"),
        (("videos/b.avi", "--strip", "link.png"), "--strip would write over link.png"),
        (("videos", "--render", "videos/walk"), "--render would write over videos/walk/a.mp4"),
        (("test.csv", "--csv", "test.csv"), "--csv would write over test.csv, which is read; name"),
    ],
)
def test_no_file_is_written_over_a_video_or_a_list_that_is_read(
    folder: Path, words: Sequence[str], said: str
) -> None:
    (folder / "link.png").symlink_to(folder / "videos/b.avi")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    _, told = predict(folder, *words, code=2)
    assert said in told
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_file_that_cant_be_written_is_said_and_the_others_are_written(folder: Path) -> None:
    command = ["videos/b.avi", "--vtt", "b.vtt", "--render", "shown.webm", "--strip", "strip.xyz"]
    _, told = predict(folder, *command, code=1)
    assert "shown.webm ends in none of .mp4, .mkv, .mov; name such a file" in told
    assert "strip.xyz can't be written" in told
    assert "2 files could not be written" in told
    assert (folder / "b.vtt").exists()


def test_a_video_that_is_piped_in_is_predicted_as_its_file_is(folder: Path) -> None:
    words = ["run.safetensors", "-", *LEAST, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "lrcn_cli.predict", *words],
        cwd=folder,
        input=(folder / "videos/walk/a.mp4").read_bytes(),
        capture_output=True,
        check=True,
    )
    piped = json.loads(done.stdout)
    said, _ = predict(folder, "videos/walk/a.mp4", "--json")
    assert piped == {**json.loads(said), "video": "-"}


def test_a_pipe_with_nothing_in_it_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    _, told = predict(folder, "-", code=2)
    assert "- stands for what is piped in, and that is nothing; pipe a video in" in told


@pytest.mark.skipif("LRCN_REAL_VIDEOS" not in os.environ, reason="LRCN_REAL_VIDEOS is not set")
def test_odd_files_are_predicted_and_damaged_ones_named_with_what_is_wrong(folder: Path) -> None:
    odd = Path(os.environ["LRCN_REAL_VIDEOS"]) / "odd"
    names = ["vfr", "rotated", "damaged", "no-video", "short"]
    said, told = predict(folder, *(odd / name for name in names), "--json", code=1)
    found = {Path(one["video"]).name: one for one in map(json.loads, said.splitlines())}
    broken = {
        "corrupted.mp4": "damaged",
        "broken.mp4": "not-a-video",
        "result.webm": "not-a-video: the file is empty",
        "arnold.mp4": "not-a-video: it is a pointer of Git LFS; `git lfs pull` fetches the file",
        "count-english-audio.mp4": "not-a-video: it has no video stream (streams: audio)",
        "1242-small.mkv": "damaged",
    }
    for name, why in broken.items():
        assert found[name]["error"].startswith(why), name
        assert f"{name}: {why}" in told
        assert not found[name]["frames"]
    for name in ("awesome movie.mov", "sample_android_slow_motion.mp4", "portrait.MOV"):
        one = found[name]
        assert one["error"] is None, name
        assert len(one["frames"]) == pytest.approx(one["duration"] * 5, abs=2)
        assert one["segments"][-1]["end"] == pytest.approx(one["duration"], abs=1e-6)
    unread = sum(one["error"] is not None for one in found.values())
    assert f"{unread} of {len(found)} videos could not be read" in told
