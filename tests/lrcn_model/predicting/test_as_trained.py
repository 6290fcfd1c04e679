"""Predicting a video sees, pixel for pixel, what evaluating shards sees, and scores it alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrcn_data import make_shards
from lrcn_data.lists.lines import format_line
from lrcn_data.video.decoding import DecodeOptions
from lrcn_model import ShardDataset, evaluate, predict
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig, Part
from lrcn_model.predicting.clip_plan import VideoPlan
from lrcn_model.predicting.read_ahead import Begun, Event, Read, wanted_positions
from lrcn_model.predicting.stored_frames import frame_batch
from lrcn_model.predicting.video_reading import ReadOptions, frame_kind_of, video_reading
from lrcn_model.processor import choose_processor
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.trained_run import TrainedRun, load_run, save_weights
from tests.lrcn_model.facts_of_shards import facts_of

WriteVideo = Callable[..., Path]
SIZE = (40, 32)


def run_on(
    folder: Path, *, average: str = "log-probs", taken: int | None = None, **net_values: Any
) -> TrainedRun:
    """A net as it is drawn at random, with what a training on these shards would record.

    With `taken` it is trained on so many frames of each clip.
    """
    data = ShardDataset(folder)
    data = data.with_seq_len(taken or data.seq_len)
    torch.manual_seed(1)
    net = LRCN(NetConfig(classes=len(data.classes), cnn="small", size=SIZE, **net_values))
    net.eval()
    preprocess = Preprocess(SIZE, torch.tensor([90.0, 80.0, 70.0]))
    facts = facts_of(data, average=average, trained={})
    save_weights(folder / "weights.safetensors", net, preprocess, facts)
    return load_run(folder / "weights.safetensors", choose_processor("cpu", "off"))


def make(folder: Path, videos: list[Path], **values: Any) -> Path:
    """Shards of videos, each given to one of two classes in turn."""
    lines = [format_line(str(path), f"class{n % 2}") for n, path in enumerate(videos)]
    (folder / "list.txt").write_text("".join(f"{line}\n" for line in lines))
    out = folder / "shards"
    shutil.rmtree(out, ignore_errors=True)
    make_shards(out, test=folder / "list.txt", workers=0, **values)
    return out


def read_clips_of(run: TrainedRun, path: Path, decoder: str) -> tuple[VideoPlan, list[np.ndarray]]:
    """What is scored of a video: the pixels of each clip, uint8 (frames, height, width, 3)."""
    events: list[Event] = []
    options = ReadOptions(decoder=decoder, decode=DecodeOptions())
    video_reading(run, options).read(str(path), events.append)
    begun = max(n for n, event in enumerate(events) if isinstance(event, Begun))
    plan = events[begun].plan
    frames = [e.frame for e in events[begun:] if isinstance(e, Read) for _ in range(e.times)]
    [pixels] = frame_batch([frames], frame_kind_of(run.facts, ())).clip_frames()
    place_of = {position: place for place, position in enumerate(wanted_positions(plan))}
    return plan, [pixels.numpy()[[place_of[p] for p in clip.positions]] for clip in plan.clips]


def check_same(
    folder: Path, videos: list[Path], run_values: dict[str, Any] | None = None, **values: Any
) -> None:
    shards = make(folder, videos, **values)
    run = run_on(shards, **(run_values or {}))
    data = run.clips_of(ShardDataset(shards))
    decoder = values.get("decoder", "av")
    stored: dict[str, list[np.ndarray]] = {}
    for number in range(len(data)):
        batch = data[number]
        stored.setdefault(batch.videos[0], []).append(batch.clip_frames()[0].numpy().copy())
    assert stored
    found = evaluate(run, shards, batch_size=1, workers=0)
    scores = {video.video: video.scores for video in found.videos}
    for path in videos:
        if str(path) not in stored:
            continue  # too short, and left out of the shards
        plan, clips = read_clips_of(run, path, decoder)
        if values.get("short") != "pad":
            assert plan.padded is None
        assert len(clips) == len(stored[str(path)])
        # the CNN sees a frame once, so that those of a clip come in several pieces
        share_frames = len(wanted_positions(plan)) < sum(len(clip) for clip in clips)
        for one, other in zip(clips, stored[str(path)], strict=True):
            assert np.array_equal(one, other)
        for batch_size in (1, 16):
            prediction = predict(run, path, batch_size=batch_size, top=2)
            probabilities = {guess.label: guess.probability for guess in prediction.guesses}
            expected = torch.from_numpy(scores[str(path)]).softmax(dim=0).tolist()
            wanted = [probabilities[label] for label in range(2)]
            if batch_size == 1 and not (share_frames and len(clips) > 1):
                assert wanted == expected
            else:
                assert wanted == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def videos(write_video: WriteVideo) -> list[Path]:
    """Three sizes, three rates, and one video that is too short."""
    return [
        write_video("a.mp4", frames=40, fps=10),
        write_video("b.avi", frames=61, fps=25, size=(80, 60)),
        write_video("c.mkv", frames=33, fps=12, size=(50, 70)),
        write_video("d.mp4", frames=6, fps=10),
    ]


@pytest.mark.parametrize(
    ("fps", "size"),
    [
        (5, None),
        (5, (48, 36)),
        ("25/2", None),
        # each with another value of the other is above
        pytest.param("25/2", (48, 36), marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "sampling",
    [
        {"sampling": "center"},
        {"sampling": "windows"},
        {"sampling": "windows", "stride": 1, "short": "pad"},
        {"sampling": "center", "short": "loop", "quality": 40},
        {"sampling": "center", "seq_len": "max:12"},
        {"sampling": "windows", "seq_len": "max:12"},
    ],
)
def test_pixels_and_scores_are_those_of_the_shards(
    tmp_path: Path, videos: list[Path], sampling: dict[str, Any], fps: Any, size: Any
) -> None:
    check_same(tmp_path, videos, **{"seq_len": 4, **sampling}, fps=Fraction(str(fps)), size=size)


@pytest.mark.parametrize("short", ["skip", "loop", "pad"])
def test_fewer_frames_of_each_clip_are_those_that_are_taken_of_the_shards(
    tmp_path: Path, videos: list[Path], short: str
) -> None:
    values = {"sampling": "center", "seq_len": 8, "fps": 5, "short": short}
    check_same(tmp_path, videos, {"taken": 3}, **values)


@pytest.mark.parametrize(
    "run_values",
    [
        {"average": "last"},
        {"average": "last", "head": Part("gru", layers=2, bidirectional=True, input="both")},
        {"head": "mean"},
        {"frame_input": "both"},
    ],
    ids=str,
)
def test_any_head_and_vote_scores_short_videos_as_their_clips_in_shards(
    tmp_path: Path, videos: list[Path], run_values: dict[str, Any]
) -> None:
    sampling = {"sampling": "windows", "stride": 3, "short": "pad"}
    check_same(tmp_path, videos, run_values, seq_len=20, fps=Fraction(5), **sampling)
    whole = {**sampling, "seq_len": "max:20", "short": "skip"}
    check_same(tmp_path, videos, run_values, fps=Fraction(5), **whole)


def test_flow_is_computed_as_for_the_shards(tmp_path: Path, videos: list[Path]) -> None:
    pytest.importorskip("cv2")
    sampling = {"sampling": "windows", "stride": 1, "short": "pad", "size": (48, 36)}
    check_same(tmp_path, videos, seq_len=4, frame_kind="flow", **sampling)


@pytest.mark.parametrize("average", ["log-probs", "probs"])
def test_views_score_a_video_as_its_clips_in_shards(
    tmp_path: Path, videos: list[Path], average: str
) -> None:
    shards = make(tmp_path, videos, seq_len=4, sampling="windows", short="pad")
    run = run_on(shards, average=average)
    for views, count in (("flip", 2), ("ten-crop", 10)):
        whole = {}
        for video in evaluate(run, shards, views=views, workers=0).videos:
            mean = torch.from_numpy(video.scores)
            expected = mean if average == "probs" else mean.softmax(dim=0)
            prediction = predict(run, video.video, views=views)
            found = {guess.label: guess.probability for guess in prediction.guesses}
            assert [found[0], found[1]] == pytest.approx(expected.tolist(), abs=1e-5)
            assert prediction.views_a_clip == count
            whole[video.video] = [guess.probability for guess in prediction.guesses]
        assert whole != {
            name: [guess.probability for guess in predict(run, name).guesses] for name in whole
        }


@pytest.mark.skipif("LRCN_REAL_VIDEOS" not in os.environ, reason="LRCN_REAL_VIDEOS is not set")
def test_turned_videos_are_read_as_for_the_shards(tmp_path: Path) -> None:
    folder = Path(os.environ["LRCN_REAL_VIDEOS"]) / "odd/rotated"
    turned = sorted(path for path in folder.iterdir() if path.is_file())
    assert turned
    check_same(tmp_path, turned, seq_len=4, sampling="windows", short="pad")


def test_what_was_drawn_from_blocks_is_predicted_by_their_middle_frames(
    tmp_path: Path, videos: list[Path]
) -> None:
    drawn = run_on(make(tmp_path, videos, seq_len=4, sampling="blocks", clips=3))
    shards = make(tmp_path, videos, seq_len=4, sampling="center")
    found = evaluate(drawn, shards, batch_size=1, workers=0)
    [expected] = [v.scores for v in found.videos if v.video == str(videos[1])]
    prediction = predict(drawn, videos[1], batch_size=1)
    assert prediction.clips == 1
    assert max(torch.from_numpy(expected).softmax(0).tolist()) == prediction.guesses[0].probability


def test_a_frame_of_several_windows_is_named_once_by_its_mean_score(
    tmp_path: Path, videos: list[Path]
) -> None:
    shards = make(tmp_path, videos, seq_len=4, sampling="windows", stride=2)
    run = run_on(shards)
    prediction = predict(run, videos[0])
    seconds = [frame.seconds for frame in prediction.frames]
    assert prediction.clips == 9
    assert seconds == sorted(set(seconds))
    assert len(seconds) == 20


def test_a_video_too_short_for_a_clip_is_padded_and_that_is_said(
    tmp_path: Path, videos: list[Path]
) -> None:
    run = run_on(make(tmp_path, videos, seq_len=4, sampling="windows"))
    assert predict(run, videos[3]).padded == 3
    assert predict(run, videos[0]).padded is None
