from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.label_kinds import json_result
from lrcn_model.scoring.scorer import Scorer

CLASSES, FRAMES = 7, 4


def clip_batch(
    labels: Any,
    frame_labels: Any,
    num_valid: Any,
    videos: list[str],
    sources: tuple[int, ...] = (),
) -> ClipBatch:
    count = len(videos)
    return ClipBatch(
        pixels=torch.zeros(0, dtype=torch.uint8),
        sizes=torch.ones(count, 2, dtype=torch.int64),
        labels=torch.tensor(labels),
        frame_labels=torch.tensor(frame_labels),
        num_valid=torch.tensor(num_valid),
        indices=torch.arange(count),
        keys=tuple(videos),
        videos=tuple(videos),
        sources=sources,
    )


def clips(seed: int) -> dict[str, Any]:
    """Videos with different numbers of clips, some frames padded, some without a class."""
    rng = np.random.default_rng(seed)
    video_labels = rng.integers(0, CLASSES - 1, 23)
    of_video = rng.permutation(np.concatenate([np.arange(23), rng.integers(0, 23, 60)]))
    num_valid = rng.integers(1, FRAMES + 1, len(of_video))
    frame_labels = rng.integers(-1, CLASSES, (len(of_video), FRAMES))
    for clip, valid in enumerate(num_valid):
        frame_labels[clip, valid:] = -1
    return {
        "scores": rng.normal(size=(len(of_video), FRAMES, CLASSES)).astype(np.float32) * 2,
        "of_video": of_video,
        "labels": video_labels[of_video],
        "num_valid": num_valid,
        "frame_labels": frame_labels,
        "video_labels": video_labels,
    }


def add(scorer: Scorer, data: dict[str, Any], part: slice) -> None:
    batch = clip_batch(
        data["labels"][part].tolist(),
        data["frame_labels"][part].tolist(),
        data["num_valid"][part].tolist(),
        [f"video {number}" for number in data["of_video"][part]],
    )
    scorer.add(torch.from_numpy(data["scores"][part]), batch)


def naive(data: dict[str, Any], average: str) -> dict[str, float]:
    votes: dict[int, list[np.ndarray]] = {}
    losses, hits, of_clip, best_of_clip = [], [], [], []
    for clip, video in enumerate(data["of_video"]):
        own: list[np.ndarray] = []
        for frame in range(FRAMES):
            probs = np.exp(data["scores"][clip, frame].astype(np.float64))
            probs /= probs.sum()
            last = data["num_valid"][clip] - 1
            if frame == last or (frame < last and average != "last"):
                own.append(probs if average == "probs" else np.log(probs))
            label = data["frame_labels"][clip, frame]
            if label >= 0:
                losses.append(-np.log(probs[label]))
                hits.append(probs.argmax() == label)
        votes.setdefault(video, []).extend(own)
        order = np.argsort(-np.mean(own, axis=0))
        of_clip.append(order[0] == data["labels"][clip])
        best_of_clip.append(data["labels"][clip] in order[:5])
    right, best, by_class = [], [], {}
    for video, rows in votes.items():
        mean, label = np.mean(rows, axis=0), data["video_labels"][video]
        right.append(mean.argmax() == label)
        best.append(label in np.argsort(-mean)[:5])
        by_class.setdefault(label, []).append(right[-1])
    return {
        "accuracy": float(np.mean(right)),
        "top5": float(np.mean(best)),
        "mean_class_accuracy": float(np.mean([np.mean(hit) for hit in by_class.values()])),
        "accuracy_skipped_wrong": sum(right) / (len(right) + 5),
        "clip_accuracy": float(np.mean(of_clip)),
        "clip_top5": float(np.mean(best_of_clip)),
        "frame_accuracy": float(np.mean(hits)),
        "frame_loss": float(np.mean(losses)),
    }


@pytest.mark.parametrize("average", ["log-probs", "probs", "last"])
@pytest.mark.parametrize("seed", range(5))
def test_all_figures_are_those_of_a_naive_computation(average: Any, seed: int) -> None:
    data = clips(seed)
    scorer = Scorer(CLASSES, average)
    for start in range(0, 83, 9):
        add(scorer, data, slice(start, min(start + 9, 83)))
    result = json_result(scorer.result(skipped=3, failed=2))
    for name, value in naive(data, average).items():
        assert result[name] == pytest.approx(value, rel=1e-5), name
    assert (result["videos"], result["clips"]) == (23, 83)
    assert np.array(result["confusion"]).sum(axis=1).tolist() == [
        int((data["video_labels"] == label).sum()) for label in range(CLASSES)
    ]


@pytest.mark.parametrize(("classes", "known"), [(2, False), (5, False), (6, True)])
def test_top_5_of_five_classes_says_nothing_and_is_null(classes: int, known: bool) -> None:
    scorer = Scorer(classes)
    scorer.add(
        torch.arange(classes).float().expand(1, 4, classes), clip_batch([0], [[0] * 4], [4], ["a"])
    )
    assert json_result(scorer.result())["top5"] == (0.0 if known else None)


def test_parts_scored_apart_add_up_to_the_whole() -> None:
    data = clips(9)
    whole, first, second = Scorer(CLASSES), Scorer(CLASSES), Scorer(CLASSES)
    add(whole, data, slice(0, 83))
    add(first, data, slice(0, 40))
    add(second, data, slice(40, 83))
    first.merge(second)
    one, other = json_result(whole.result()), json_result(first.result())
    assert one.pop("confusion") == other.pop("confusion")
    assert one == pytest.approx(other)


def test_the_two_averages_may_recognize_different_classes() -> None:
    probs = np.array([[0.98, 0.02, 0.0], [0.4, 0.6, 0.0], [0.02, 0.98, 0.0]]) + 1e-9
    probs = np.stack([probs[0], probs[0], np.array([1e-6, 1.0, 1e-9]), probs[1]])
    batch = clip_batch([0], [[0] * 4], [4], ["video"])
    predicted = []
    for average in ("log-probs", "probs"):
        scorer = Scorer(3, average)  # type: ignore[arg-type]
        scorer.add(torch.from_numpy(np.log(probs))[None], batch)
        predicted.append(scorer.videos()[0].predicted)
    assert predicted == [1, 0]


def test_by_last_frames_a_videos_scores_are_averaged_over_its_clips() -> None:
    scores = torch.randn(2, FRAMES, CLASSES, generator=torch.Generator().manual_seed(0))
    scorer = Scorer(CLASSES, "last")
    labels = [[0] * FRAMES, [0, 0, -1, -1]]
    scorer.add(scores, clip_batch([0, 0], labels, [FRAMES, 2], ["a", "a"]))
    [video] = scorer.videos()
    expected = (scores[0, FRAMES - 1].log_softmax(0) + scores[1, 1].log_softmax(0)) / 2
    assert video.frames == 2
    np.testing.assert_allclose(video.scores, expected.numpy(), rtol=1e-6)


def test_nothing_scored_gives_no_number_rather_than_zero() -> None:
    result = json_result(Scorer(3).result(skipped=4))
    assert result["accuracy"] is None
    assert result["frame_loss"] is None
    assert result["accuracy_skipped_wrong"] == 0


def test_equal_paths_of_two_files_are_two_videos_and_clips_of_one_file_are_one() -> None:
    scores = torch.zeros(3, FRAMES, CLASSES)
    scores[torch.arange(3), :, torch.tensor([0, 1, 1])] = 5.0
    batch = clip_batch(
        [0, 0, 0], [[0] * FRAMES] * 3, [FRAMES] * 3, ["walk/1.avi"] * 3, sources=(11, 22, 22)
    )
    scorer = Scorer(CLASSES)
    scorer.add(scores, batch)
    assert [(v.source, v.predicted, v.frames) for v in scorer.videos()] == [
        (11, 0, FRAMES),
        (22, 1, 2 * FRAMES),
    ]
    assert scorer.result().accuracy == 0.5
