"""Views of clips: which parts of the pictures they are, and how their scores are averaged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_data.format.rgb_jpeg import RGB_JPEG, RgbJpeg
from lrcn_model import ShardDataset, evaluate
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.processor import choose_processor
from lrcn_model.reading.augmentation import ClipChange, crop
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.scoring.trained_run import RunFacts, TrainedRun
from lrcn_model.scoring.video_vote import SET_VOTES, VOTES
from lrcn_model.scoring.views import VIEWS, Views, score_views

MakeDataSet = Callable[..., Path]
SIZE, FRAMES, CLASSES = (40, 32), 4, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Mirrored(RgbJpeg):
    """Frames whose first channel is a movement to the right."""

    mirrored_channels: ClassVar[tuple[int, ...]] = (0,)


def run_of(
    data: ShardDataset | None = None, *, mean: Any = (90.0, 80.0, 70.0), average: str = "log-probs"
) -> TrainedRun:
    """A net as it is drawn at random."""
    torch.manual_seed(1)
    classes = data.classes if data else [f"class {number}" for number in range(CLASSES)]
    net = LRCN(NetConfig(classes=len(classes), cnn="small", size=SIZE, lstm_hidden=8)).eval()
    return TrainedRun(
        net=net,
        preprocess=Preprocess.for_net(net, None if mean is None else torch.tensor(mean)),
        facts=RunFacts(
            classes=classes,
            seq_len=FRAMES,
            fps=data.fps if data else 5,  # type: ignore[arg-type]
            average=average,
            stored_size=None,
            trained={},
            multi_label=bool(data and data.multi_label),
        ),
        processor=choose_processor("cpu", "off"),
    )


def batch_of(pixels_BTHWC: Tensor) -> ClipBatch:
    count, frames, height, width, _ = pixels_BTHWC.shape
    names = tuple(str(number) for number in range(count))
    return ClipBatch(
        pixels=pixels_BTHWC.contiguous().flatten(),
        sizes=torch.tensor([[height, width]] * count),
        labels=torch.zeros(count, dtype=torch.int64),
        frame_labels=torch.zeros(count, frames, dtype=torch.int64),
        num_valid=torch.full((count,), frames),
        indices=torch.arange(count),
        keys=names,
        videos=names,
    )


def random_pixels(height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    shape = (2, FRAMES, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def ten_crops(pixels_BTHWC: Tensor, height: int, width: int) -> list[Tensor]:
    """By slices, as Krizhevsky et al. describe them, and their mirror images."""
    rows, columns = pixels_BTHWC.shape[2:4]
    middle = ((rows - height) // 2, (columns - width) // 2)
    places = [(0, 0), (0, columns - width), (rows - height, 0), (rows - height, columns - width)]
    parts = [
        pixels_BTHWC[:, :, top : top + height, left : left + width]
        for top, left in [*places, middle]
    ]
    return parts + [part.flip(3) for part in parts]


def test_ten_crops_are_224_of_256_pixels_in_the_corners_and_the_centre() -> None:
    pixels = random_pixels(256, 256)
    found = []
    for change in Views(name="ten-crop").changes():
        assert change is not None
        part = crop(pixels.movedim(-1, 2), change).movedim(2, -1)
        found.append(part.flip(3) if change.flip else part)
    expected = ten_crops(pixels, 224, 224)
    assert len(found) == len(Views(name="ten-crop")) == 10
    for part in expected:
        assert sum(torch.equal(part, other) for other in found) == 1


def test_the_views_of_flip_are_the_clip_and_its_mirror_image() -> None:
    assert Views(name="flip").changes() == [None, ClipChange(flip=True)]
    assert Views().changes() == [None]


@pytest.mark.parametrize("average", list(VOTES))
@pytest.mark.parametrize("name", ["flip", "ten-crop"])
def test_scores_are_the_mean_of_the_views_votes(name: str, average: str) -> None:
    run, pixels = run_of(), random_pixels(48, 64)
    parts = [pixels, pixels.flip(3)] if name == "flip" else ten_crops(pixels, 36, 48)
    scores = torch.stack([run.score(batch_of(part)) for part in parts]).double()
    if average == "probs":
        expected = scores.softmax(-1).mean(0).log()
    else:
        # the geometric mean, made to add up to one
        expected = scores.log_softmax(-1).mean(0).log_softmax(-1)
    views = Views(name=name, crop=0.25 if name == "ten-crop" else None)
    found = score_views(run, batch_of(pixels), views, VOTES[average])
    torch.testing.assert_close(
        found.double().log_softmax(-1), expected, atol=1e-5, rtol=0, check_dtype=False
    )


@pytest.mark.parametrize("average", list(SET_VOTES))
def test_scores_of_several_labels_are_the_mean_of_the_views_odds_or_probabilities(
    average: str,
) -> None:
    run, pixels = run_of(), random_pixels(32, 40)
    one, other = (run.score(batch_of(part)) for part in (pixels, pixels.flip(3)))
    found = score_views(run, batch_of(pixels), Views(name="flip"), SET_VOTES[average])
    if average == "probs":
        torch.testing.assert_close(found.sigmoid(), (one.sigmoid() + other.sigmoid()) / 2)
    else:
        torch.testing.assert_close(found, (one + other) / 2)


@pytest.mark.parametrize("votes", [VOTES["probs"], SET_VOTES["probs"]])
def test_a_class_that_all_views_are_sure_of_or_rule_out_has_a_finite_score(votes: Any) -> None:
    scores = torch.tensor([[900.0, -900.0]], dtype=torch.float64)
    back = votes.scores(votes.of_frames(scores)).float()
    assert back.isfinite().all()
    assert votes.of_frames(back).round().tolist() == [[1.0, 0.0]]


def test_one_view_scores_as_before_bit_for_bit() -> None:
    run, batch = run_of(), batch_of(random_pixels(32, 40))
    assert torch.equal(score_views(run, batch, Views(), VOTES["probs"]), run.score(batch))


@pytest.mark.parametrize("mean", [(90.0, 80.0, 70.0), None])
def test_the_mirror_image_of_a_movement_goes_the_other_way(mean: Any) -> None:
    pixels = random_pixels(32, 40)
    mirrored = pixels.flip(3).clone()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    plain = run_of(mean=mean)
    # as weights are loaded, which have zeros where no mean was subtracted
    plain = replace(plain, preprocess=Preprocess.for_net(plain.net, plain.preprocess.mean))
    assert plain.for_frames(RGB_JPEG) is plain
    run = plain.for_frames(Mirrored(name="tests:Mirrored"))
    [_, change] = Views(name="flip").changes()
    found = run.preprocess(batch_of(pixels), [change, change])
    if mean is None:
        expected = plain.preprocess(batch_of(mirrored))
    else:
        # what is mirrored is the deviation from the mean
        expected = plain.preprocess(batch_of(pixels)).flip(-1)
        expected[:, :, 0] *= -1
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("average", ["log-probs", "probs"])
def test_views_are_averaged_and_never_counted_as_clips(
    make_data_set: MakeDataSet, average: str
) -> None:
    shards = make_data_set(samples={"test": [7, 4]}, sizes=((40, 32), (50, 48)), classes=CLASSES)
    data = ShardDataset(shards)
    run = run_of(data)
    whole = evaluate(run, shards, average=average, workers=0)
    found = evaluate(run, shards, average=average, views="flip", batch_size=3, workers=0)
    for name in ("videos", "clips", "frames"):
        assert getattr(found.result, name) == getattr(whole.result, name)
    report = found.report()
    assert (report["clips"], report["views"], report["views_a_clip"]) == (11, "flip", 2)
    votes: dict[tuple[str, int], list[np.ndarray]] = {}
    hits, losses = [], []
    for number in range(len(data)):
        batch = data[number]
        for frame in range(int(batch.num_valid[0])):
            rows = []
            for change in (None, ClipChange(flip=True)):
                probs = run.score(batch, change)[0, frame].double().softmax(-1).numpy()
                rows.append(probs if average == "probs" else np.log(probs))
            vote = np.mean(rows, axis=0)
            probs = vote if average == "probs" else np.exp(vote) / np.exp(vote).sum()
            label = int(batch.labels[0])
            votes.setdefault((batch.videos[0], label), []).append(vote)
            hits.append(probs.argmax() == label)
            losses.append(-np.log(probs[label]))
    for video in found.videos:
        expected = np.mean(votes[video.video, video.label], axis=0)
        assert video.predicted == expected.argmax()
        shift = (video.scores - expected).mean() if average == "log-probs" else 0.0
        np.testing.assert_allclose(video.scores - shift, expected, atol=1e-5)
    assert found.result.frame_accuracy == pytest.approx(np.mean(hits))
    assert found.result.frame_loss == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "corners"}, "views must be one of whole, flip, ten-crop, got 'corners'"),
        ({"name": "flip", "crop": 0.1}, "--crop goes with --views ten-crop, not flip"),
        ({"name": "ten-crop", "crop": 0.0}, "--crop must be above 0 and up to 0.95, got 0.0"),
        ({"name": "ten-crop", "crop": 0.96}, "--crop must be above 0 and up to 0.95, got 0.96"),
    ],
)
def test_views_that_make_no_sense_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Views(**values)


def test_a_calibration_is_for_whole_clips(make_data_set: MakeDataSet) -> None:
    shards = make_data_set(samples={"val": [4]}, classes=CLASSES)
    run = run_of(ShardDataset(shards))
    with pytest.raises(UsageError, match="not for --views flip; leave --views out"):
        evaluate(run, shards, views="flip", calibrate=True)


def test_the_names_are_known_without_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; import lrcn_model.scoring.views as v"
    code += f"; assert list(v.VIEWS) == {list(VIEWS)}"
    subprocess.run([sys.executable, "-c", code], check=True)
