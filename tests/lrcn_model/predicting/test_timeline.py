"""Long videos and timelines: what nets of every kind say of each frame, and in which memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from lrcn_data import make_shards
from lrcn_data.errors import UsageError
from lrcn_model import evaluate_in_time
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig, Part
from lrcn_model.predicting.predict import (
    FrameProbabilities,
    PredictProgress,
    predict,
    predict_videos,
)
from lrcn_model.predicting.stream_scorer import StreamScorer
from lrcn_model.processor import choose_processor
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.scoring.trained_run import RunFacts, TrainedRun, load_run, save_weights
from tests.lrcn_model.facts_of_shards import facts_of

WriteVideo = Callable[..., Path]
SIZE, CLASSES = (40, 32), ["a", "b", "c"]
AHEAD = Part("lstm", hidden=8)
BOTH_WAYS = Part("lstm", hidden=8, bidirectional=True)


def run_of(head: Part | str = AHEAD, **facts: Any) -> TrainedRun:
    torch.manual_seed(1)
    net = LRCN(NetConfig(classes=len(CLASSES), cnn="small", size=SIZE, head=head)).eval()
    of_run = {"seq_len": 4, "fps": Fraction(5), "average": "probs", "stored_size": None, **facts}
    return TrainedRun(
        net=net,
        preprocess=Preprocess(SIZE, torch.tensor([90.0, 80.0, 70.0])),
        facts=RunFacts(classes=CLASSES, trained={}, **of_run),
        processor=choose_processor("cpu", "off"),
    )


WINDOWS = {"recipe": {"sampling": "windows", "stride": 2, "short": "pad"}}


@pytest.fixture
def in_time(tmp_path: Path, write_video: WriteVideo) -> tuple[Path, list[Path]]:
    """Shards of two videos with labels in time, and the videos."""
    videos = [write_video("a.mp4", frames=73, fps=10), write_video("b.avi", frames=31, fps=10)]
    rows = [f"{path.name},{n},{n + 2},{'ab'[n % 2]}\n" for path in videos for n in (0, 1, 2)]
    (tmp_path / "test.csv").write_text("video,start,end,label\n" + "".join(rows))
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    listed = {"test": tmp_path / "test.csv", "root": tmp_path, "workers": 0}
    make_shards(tmp_path / "shards", classes=tmp_path / "classes.txt", seq_len=4, **listed)
    return tmp_path / "shards", videos


@pytest.mark.parametrize(
    ("head", "facts"),
    [
        (Part("lstm", hidden=8), {"window": None}),
        (Part("lstm", hidden=8), {"window": 6}),
        (Part("gru", hidden=8, input="both"), {"window": 6, "carry_state": True}),
        (Part("lstm", hidden=8), {"window": 0}),
        (BOTH_WAYS, {"window": 0}),
        (Part("lstm", hidden=8, input="centered"), {"window": 5}),
    ],
    ids=str,
)
def test_every_frame_of_a_stored_video_has_the_probability_that_evaluating_its_shards_gives(
    in_time: tuple[Path, list[Path]], head: Part, facts: dict[str, Any]
) -> None:
    shards, videos = in_time
    data = ShardDataset(shards)
    made = run_of(head)
    of_data = facts_of(data, average="probs", trained={}, labels_in_time=True, **facts)
    weights = shards / "weights.safetensors"
    save_weights(weights, made.net, made.preprocess, of_data)
    run = load_run(weights, choose_processor("cpu", "off"))
    tracks = {track.video: track for track in evaluate_in_time(run, shards, keep=False).tracks}
    for video in videos:
        track, found = tracks[video.name], predict(run, video, timeline=True)
        assert [frame.seconds for frame in found.frames] == pytest.approx(track.times.tolist())
        expected = track.scores.max(axis=1).tolist()
        assert [frame.probability for frame in found.frames] == pytest.approx(expected, abs=1e-5)
        names = [CLASSES[label] for label in track.scores.argmax(axis=1)]
        assert [frame.name for frame in found.frames] == names
        covered = sum(segment.end - segment.start for segment in found.segments)
        assert covered == pytest.approx(found.duration - found.frames[0].seconds)


@pytest.mark.parametrize("head", ["none", Part("gru", hidden=8), Part("lstm", layers=2, hidden=8)])
@pytest.mark.parametrize("cuts", [[1] * 23, [5, 5, 13], [23]])
def test_a_stream_in_pieces_has_the_scores_of_the_whole_at_once(
    head: Part | str, cuts: list[int]
) -> None:
    run = run_of(head)
    features_TF = torch.randn(sum(cuts), 128)
    whole, _ = run.score_features(features_TF[None])
    stream = StreamScorer(run)
    pieces = torch.cat([stream.score(piece) for piece in features_TF.split(cuts)])
    assert torch.allclose(pieces, whole[0], atol=1e-5)


@pytest.mark.parametrize("head", [BOTH_WAYS, Part("lstm", hidden=8, input="centered"), "mean"])
def test_a_head_that_looks_at_frames_to_come_scores_no_stream(head: Part | str) -> None:
    with pytest.raises(UsageError, match="looks at frames to come, so a stream can't be scored"):
        StreamScorer(run_of(head))


def test_a_video_longer_than_those_trained_on_is_cut_into_spans_of_their_median(
    write_video: WriteVideo,
) -> None:
    video = write_video("long.mp4", frames=300, fps=10)
    lengths = VideoSeconds(median=3.0, longest=8.0)
    found = predict(run_of(video_seconds=lengths), video)
    assert (found.span, found.duration) == (3.0, 30.0)
    # 150 frames, spans of 15 that start at every seventh, and one at the end
    assert found.clips == 21
    seconds = [frame.seconds for frame in found.frames]
    assert seconds == sorted(set(seconds))
    assert max(after - before for before, after in pairwise(seconds)) < 1.0
    whole = predict(run_of(), video)
    assert (whole.span, whole.clips, len(whole.frames)) == (None, 1, 4)


def test_spans_of_a_timeline_say_of_each_frame_what_they_say_of_clips_by_themselves(
    write_video: WriteVideo, tmp_path: Path
) -> None:
    frames = 60
    video = write_video("long.mp4", frames=frames, fps=5)
    run = run_of(video_seconds=VideoSeconds(median=4.0, longest=4.0))
    found = predict(run, video, timeline=True)
    assert len(found.frames) == frames
    by_hand = [np.zeros((0, 3)) for _ in range(frames)]
    with av.open(str(video)) as container:
        pictures = [frame.to_image() for frame in container.decode(video=0)]
    for start in (0, 10, 20, 30, 40):
        part = tmp_path / f"{start}.mkv"
        with av.open(str(part), "w") as container:
            stream = container.add_stream("ffv1", rate=5)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
            for picture in pictures[start : start + 20]:
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
            container.mux(stream.encode(None))
        guesses = {guess.label: guess.probability for guess in predict(run, part).guesses}
        row = [[guesses[label] for label in range(3)]]
        for frame in range(start, start + 20):
            by_hand[frame] = np.concatenate([by_hand[frame], row])
    for frame, rows in zip(found.frames, by_hand, strict=True):
        assert frame.probability == pytest.approx(rows.mean(axis=0).max(), abs=0.01)


def test_a_timeline_of_a_run_that_doesnt_say_how_long_its_videos_were_needs_a_span(
    write_video: WriteVideo,
) -> None:
    video = write_video("long.mp4", frames=300, fps=10)
    with pytest.raises(UsageError, match="say it with --span SECONDS"):
        predict(run_of(), video, timeline=True)
    assert predict(run_of(), video, timeline=True, span=6).span == 6.0
    with pytest.raises(UsageError, match="--span 6 is for nets whose clips were drawn from whole"):
        predict(run_of(**WINDOWS), video, span=6)


def test_windows_of_several_videos_are_scored_together_and_give_what_each_gives_by_itself(
    write_video: WriteVideo,
) -> None:
    run = run_of(**WINDOWS)
    videos = [write_video(f"{n}.mp4", frames=9 + 17 * n, fps=10) for n in range(6)]
    together = list(predict_videos(run, videos, batch_size=3))
    assert [one.video for one in together] == [str(video) for video in videos]
    for video, found in zip(videos, together, strict=True):
        alone = predict(run, video)
        assert (found.clips, found.padded) == (alone.clips, alone.padded)
        for one, other in zip(found.guesses, alone.guesses, strict=True):
            assert one.name == other.name
            assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_views_of_a_timeline_are_averaged_frame_by_frame(write_video: WriteVideo) -> None:
    video = write_video("a.mp4", frames=60, fps=10)
    run = run_of(labels_in_time=True, window=4, carry_state=True)
    plain, flipped = predict(run, video), predict(run, video, views="flip")
    assert flipped.views_a_clip == 2
    assert len(flipped.frames) == len(plain.frames) == 30
    assert [f.probability for f in flipped.frames] != [f.probability for f in plain.frames]


def test_the_frames_of_a_net_for_several_labels_have_segments_that_overlap(
    write_video: WriteVideo,
) -> None:
    run = run_of(multi_label=True, **WINDOWS)
    found = predict(run, write_video("a.mp4", frames=60, fps=10), timeline=True, enter=0.01)
    assert {(s.name, s.start, s.end) for s in found.segments} == {
        (name, 0.0, 6.0) for name in CLASSES
    }


@pytest.mark.parametrize("facts", [{"labels_in_time": True, "window": 6}, {}])
def test_each_frame_comes_with_the_probabilities_of_all_classes(
    write_video: WriteVideo, facts: dict[str, Any]
) -> None:
    video = write_video("a.mp4", frames=73, fps=10)
    came: list[FrameProbabilities] = []
    found = predict(
        run_of(**facts, video_seconds=VideoSeconds(median=2, longest=3)),
        video,
        timeline=True,
        on_frame=came.append,
    )
    assert [frame.number for frame in came] == list(range(len(found.frames)))
    assert {frame.video for frame in came} == {str(video)}
    for frame, named in zip(came, found.frames, strict=True):
        assert frame.probs_C.sum() == pytest.approx(1)
        assert CLASSES[frame.probs_C.argmax()] == named.name
        assert frame.probs_C.max() == named.probability


def test_progress_rises_to_the_end_of_a_long_video(write_video: WriteVideo) -> None:
    told: list[PredictProgress] = []
    video = write_video("a.mp4", frames=900, fps=5)
    run = run_of(labels_in_time=True, window=4, carry_state=True)
    predict(run, video, on_progress=told.append)
    seconds = [progress.seconds for progress in told]
    assert len(seconds) > 3
    assert seconds == sorted(seconds)
    assert {progress.duration for progress in told} == {180.0}


def write_long(path: Path, minutes: int) -> None:
    """A video whose frames differ, at 5 frames a second."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (15, 20, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 160, 120
        for number in range(minutes * 300):
            frame = np.roll(picture, number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


PEAK = """
import resource, sys
from lrcn_model import load_run, predict
found = predict(load_run(sys.argv[1], device="cpu"), sys.argv[2], timeline=True)
print(len(found.frames), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "facts",
    [
        {"labels_in_time": True, "window": 16, "carry_state": True},
        pytest.param({"labels_in_time": True, "window": 16}, marks=pytest.mark.long),
        {"video_seconds": VideoSeconds(median=10.0, longest=20.0)},
    ],
    ids=["carried", "windows", "spans"],
)
def test_memory_has_a_bound_however_long_a_video_is(tmp_path: Path, facts: dict[str, Any]) -> None:
    run = run_of(**facts)
    save_weights(tmp_path / "run.safetensors", run.net, run.preprocess, run.facts)
    peaks = []
    for minutes in (15, 45):
        write_long(tmp_path / "long.avi", minutes)
        command = [sys.executable, "-c", PEAK, tmp_path / "run.safetensors", tmp_path / "long.avi"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        frames, peak = map(int, said.split())
        assert frames == minutes * 300
        peaks.append(peak / 1024)
    # 9,000 more frames are 500 MB decoded; kept are times and answers, and the allocator's gaps
    assert peaks[1] - peaks[0] < 40


def test_a_reader_that_is_left_early_ends_its_threads(write_video: WriteVideo) -> None:
    videos = [write_video(f"{n}.mp4", frames=200, fps=10) for n in range(4)]
    run = run_of(**WINDOWS)
    predictions = predict_videos(run, videos)
    assert next(predictions).error is None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    predictions.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5
