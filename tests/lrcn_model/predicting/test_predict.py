from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import simplejpeg
import torch

from lrcn_data.demo.videos import encode_video, plan_demo
from lrcn_data.errors import UsageError
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import read_clips
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.predicting.predict import predict, predict_videos
from lrcn_model.processor import choose_processor
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.trained_run import RunFacts, TrainedRun

SIZE, SEQ_LEN, CLASSES = (40, 32), 4, ["walk", "run", "jump"]


@pytest.fixture
def run() -> TrainedRun:
    torch.manual_seed(1)
    net = LRCN(NetConfig(classes=len(CLASSES), cnn="small", size=SIZE)).eval()
    facts = RunFacts(
        classes=CLASSES,
        seq_len=SEQ_LEN,
        fps=Fraction(5),
        average="log-probs",
        stored_size=None,
        trained={},
    )
    processor = choose_processor("cpu", "off")
    preprocess = Preprocess(SIZE, torch.tensor([90.0, 80.0, 70.0]))
    return TrainedRun(net=net, preprocess=preprocess, facts=facts, processor=processor)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A generated video of at least SEQ_LEN frames at 5 frames a second."""
    planned = next(video for video in plan_demo({"test": 20}, seed=0) if video.frames > 60)
    path = tmp_path / Path(planned.name).name
    path.write_bytes(encode_video(planned))
    return path


def expected_probabilities(run: TrainedRun, video: Path, average: str) -> torch.Tensor:
    """By hand: the middle frames of the blocks, as JPEGs, squeezed, scaled, scored and averaged."""
    options = ClipOptions(fps=Fraction(5), sampling=Center(seq_len=SEQ_LEN))
    [clip] = read_clips(video, "", options).clips
    jpegs = [simplejpeg.encode_jpeg(f, 90, colorsubsampling="420") for f in clip.frames]
    frames = torch.stack([torch.from_numpy(simplejpeg.decode_jpeg(jpeg)) for jpeg in jpegs])
    squeezed = torch.nn.functional.interpolate(
        frames.permute(0, 3, 1, 2), SIZE[::-1], mode="bilinear", antialias=True
    )
    mean = torch.tensor([90.0, 80.0, 70.0])[:, None, None]
    with torch.inference_mode():
        log_probs = run.net(((squeezed - mean) / 255)[None])[0].double().log_softmax(-1)
    if average == "last":
        return log_probs[-1].exp()
    return log_probs.mean(0).softmax(0) if average == "log-probs" else log_probs.exp().mean(0)


@pytest.mark.parametrize("average", ["log-probs", "probs", "last"])
def test_a_video_is_predicted_from_the_mean_of_its_frames_votes(
    run: TrainedRun, video: Path, average: str
) -> None:
    expected = expected_probabilities(run, video, average)
    chosen = replace(run, facts=replace(run.facts, average=average))
    [prediction] = predict_videos(chosen, [video], top=len(CLASSES))
    assert prediction.error is None
    assert len(prediction.frames) == SEQ_LEN
    found = [guess.probability for guess in prediction.guesses]
    assert found == sorted(found, reverse=True)
    for guess in prediction.guesses:
        assert guess.name == CLASSES[guess.label]
        assert guess.probability == pytest.approx(float(expected[guess.label]), abs=1e-6)


def calibrated(run: TrainedRun, temperature: float, average: str = "log-probs") -> TrainedRun:
    calibration = Calibration(temperature=temperature, videos=9, shards=[])
    return replace(run, facts=replace(run.facts, average=average, calibration=calibration))


@pytest.mark.parametrize("average", ["log-probs", "probs", "last"])
def test_a_calibrated_run_gives_the_powers_of_its_own_probabilities(
    run: TrainedRun, video: Path, average: str
) -> None:
    own = expected_probabilities(run, video, average)
    powers = own ** (1 / 0.25)
    [prediction] = predict_videos(calibrated(run, 0.25, average), [video])
    assert prediction.temperature == 0.25
    for guess in prediction.guesses:
        expected = float(powers[guess.label] / powers.sum())
        assert guess.probability == pytest.approx(expected, abs=1e-6)


def test_a_calibration_of_whole_clips_corrects_no_other_views(run: TrainedRun, video: Path) -> None:
    flipped = predict(calibrated(run, 0.25), video, views="flip")
    assert flipped == predict(run, video, views="flip")
    assert flipped.temperature is None


def test_a_video_whose_best_class_is_not_probable_enough_is_none(
    run: TrainedRun, video: Path
) -> None:
    best = predict(run, video).guesses[0]
    for least, name in ((best.probability, best.name), (best.probability + 1e-6, None)):
        found = predict(run, video, min_score=least)
        assert (found.class_name, found.temperature) == (name, None)
        assert found.guesses[0] == best


def test_the_least_score_is_held_against_the_calibrated_probability(
    run: TrainedRun, video: Path
) -> None:
    best = predict(run, video).guesses[0]
    flat, sharp = calibrated(run, 20), calibrated(run, 0.05)
    assert predict(flat, video, min_score=best.probability).class_name is None
    assert predict(sharp, video, min_score=best.probability + 0.01).class_name == best.name


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_least_score_that_is_no_probability_is_refused(
    run: TrainedRun, video: Path, least: float
) -> None:
    with pytest.raises(UsageError, match="min_score must be from 0 to 1, got"):
        predict(run, video, min_score=least)


def test_a_video_that_cant_be_read_is_said_and_keeps_no_other_from_it(
    run: TrainedRun, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    broken, sound = predict_videos(run, [tmp_path / "text.mp4", video])
    assert broken.error is not None
    assert broken.error.startswith("not-a-video")
    assert not broken.guesses
    assert broken.class_name is None
    assert sound.guesses


@pytest.mark.parametrize("decoder", ["av", "ffmpeg"])
def test_a_cut_video_with_a_sparse_text_track_is_not_predicted_as_a_short_one(
    run: TrainedRun, video: Path, tmp_path: Path, decoder: str
) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    text, whole, cut = tmp_path / "t.srt", tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    text.write_text("1\n00:00:00,1 --> 00:00:00,2\na\n\n2\n00:00:02,0 --> 00:00:02,1\nb\n")
    copied = ["-map", "0:v", "-map", "1", "-c:v", "copy", "-c:s", "mov_text"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", video, "-i", text, *copied]
    subprocess.run([*command, "-movflags", "+faststart", whole], check=True, capture_output=True)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 7 // 10])
    sound, short = predict_videos(run, [whole, cut], decoder=decoder)
    assert sound.error is None
    assert short.error is not None
    assert short.error.startswith("damaged: the file is cut")
