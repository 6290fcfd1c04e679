from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.scoring.label_kinds import json_result
from lrcn_model.scoring.set_scorer import SetScorer

CLASSES, FRAMES, VIDEOS = 6, 4, 23


def clips(seed: int) -> dict[str, Any]:
    """Videos with different numbers of clips, some frames padded; no video has the last class."""
    rng = np.random.default_rng(seed)
    sets = rng.random((VIDEOS, CLASSES)) < 0.3
    sets[:, -1] = False
    of_video = rng.permutation(np.concatenate([np.arange(VIDEOS), rng.integers(0, VIDEOS, 60)]))
    return {
        "scores": rng.normal(size=(len(of_video), FRAMES, CLASSES)).astype(np.float32) * 2,
        "of_video": of_video,
        "sets": sets,
        "num_valid": rng.integers(1, FRAMES + 1, len(of_video)),
    }


def add(scorer: SetScorer, data: dict[str, Any], part: slice) -> None:
    names = tuple(f"video {number:02d}" for number in data["of_video"][part])
    batch = ClipBatch(
        pixels=torch.zeros(0, dtype=torch.uint8),
        sizes=torch.ones(len(names), 2, dtype=torch.int64),
        labels=torch.from_numpy(data["sets"][data["of_video"][part]].astype(np.uint8)),
        frame_labels=torch.full((len(names), FRAMES), -1),
        num_valid=torch.from_numpy(data["num_valid"][part]),
        indices=torch.arange(len(names)),
        keys=names,
        videos=names,
    )
    scorer.add(torch.from_numpy(data["scores"][part]), batch)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def means(data: dict[str, Any], average: str) -> np.ndarray:
    """The mean of each video's scores, float64 (videos, classes)."""
    rows: list[list[np.ndarray]] = [[] for _ in range(VIDEOS)]
    for clip, video in enumerate(data["of_video"]):
        for frame in range(data["num_valid"][clip]):
            logits = data["scores"][clip, frame].astype(np.float64)
            rows[video].append(logits if average == "log-probs" else sigmoid(logits))
    return np.array([np.mean(row, axis=0) for row in rows])


@pytest.mark.parametrize("average", ["log-probs", "probs"])
@pytest.mark.parametrize("seed", range(3))
def test_all_figures_are_those_of_scikit_learn(average: str, seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    data = clips(seed)
    scorer = SetScorer(CLASSES, average)
    for start in range(0, 83, 9):
        add(scorer, data, slice(start, min(start + 9, 83)))
    result = scorer.result()
    scores, sets = means(data, average), data["sets"]
    precisions = [
        metrics.average_precision_score(sets[:, n], scores[:, n]) for n in range(CLASSES - 1)
    ]
    assert result.average_precision[:-1] == pytest.approx(precisions)
    assert result.mean_average_precision == pytest.approx(np.mean(precisions))
    found = (scores if average == "probs" else sigmoid(scores)) >= 0.5
    expected = {
        "accuracy": metrics.jaccard_score(sets, found, average="samples", zero_division=1),
        "micro_f1": metrics.f1_score(sets, found, average="micro"),
        "macro_f1": metrics.f1_score(sets, found, average="macro", zero_division=0),
    }
    assert {name: getattr(result, name) for name in expected} == pytest.approx(expected)
    assert result.positives == sets.sum(axis=0).tolist()
    assert (result.videos, result.clips) == (VIDEOS, 83)


def test_figures_are_those_of_a_loop() -> None:
    data = clips(7)
    scorer = SetScorer(CLASSES)
    add(scorer, data, slice(0, 83))
    result = scorer.result()
    scores, sets = means(data, "log-probs"), data["sets"]
    precisions = []
    for number in range(CLASSES - 1):
        positive = sets[:, number]
        above = [scores[:, number] >= score for score in scores[positive, number]]
        precisions.append(np.mean([(row & positive).sum() / row.sum() for row in above]))
    assert result.mean_average_precision == pytest.approx(np.mean(precisions))
    losses = []
    for clip, video in enumerate(data["of_video"]):
        for frame in range(data["num_valid"][clip]):
            yes = sigmoid(data["scores"][clip, frame].astype(np.float64))
            losses.append(np.mean(-np.log(np.where(sets[video], yes, 1 - yes))))
    assert result.frame_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert result.frames == len(losses)


@pytest.mark.parametrize("average", ["log-probs", "probs"])
def test_a_clip_is_recognized_by_its_own_scores(average: str) -> None:
    data = clips(5)
    scorer = SetScorer(CLASSES, average)
    add(scorer, data, slice(0, 83))
    overlaps = []
    for clip, video in enumerate(data["of_video"]):
        logits = data["scores"][clip, : data["num_valid"][clip]].astype(np.float64)
        mean = logits.mean(0) if average == "log-probs" else sigmoid(logits).mean(0)
        found = set(np.flatnonzero(mean >= (0 if average == "log-probs" else 0.5)))
        true = set(np.flatnonzero(data["sets"][video]))
        overlaps.append(len(found & true) / len(found | true) if found | true else 1.0)
    assert scorer.result().clip_accuracy == pytest.approx(np.mean(overlaps))


def test_parts_scored_apart_add_up_to_the_whole() -> None:
    data = clips(9)
    whole, first, second = SetScorer(CLASSES), SetScorer(CLASSES), SetScorer(CLASSES)
    add(whole, data, slice(0, 83))
    add(first, data, slice(0, 40))
    add(second, data, slice(40, 83))
    # as another process sends it
    first.merge(pickle.loads(pickle.dumps(second)))
    one, other = json_result(first.result()), json_result(whole.result())
    for name, value in other.items():
        parts, wholes = (x if isinstance(x, list) else [x] for x in (one[name], value))
        # the last class has no video, and so no average precision
        assert [x for x in parts if x is not None] == pytest.approx(
            [x for x in wholes if x is not None]
        ), name


def test_a_class_that_no_video_has_counts_nowhere_and_is_null() -> None:
    data = clips(1)
    scorer = SetScorer(CLASSES)
    add(scorer, data, slice(0, 83))
    assert json_result(scorer.result())["average_precision"][-1] is None


def test_what_is_to_be_found_in_videos_without_a_clip_counts_as_missed() -> None:
    data = clips(2)
    scorer = SetScorer(CLASSES)
    add(scorer, data, slice(0, 83))
    whole = scorer.result(skipped=3, failed=2)
    share = VIDEOS / (VIDEOS + 5)
    assert whole.mean_average_precision == scorer.result().mean_average_precision
    assert whole.mean_average_precision_skipped_missed == pytest.approx(
        whole.mean_average_precision * share
    )


def test_nothing_scored_is_null() -> None:
    result = json_result(SetScorer(3).result(skipped=4))
    assert result["mean_average_precision"] is None
    assert result["mean_average_precision_skipped_missed"] is None
    assert (result["videos"], result["skipped"]) == (0, 4)


def test_a_video_is_recognized_as_the_classes_that_are_likelier_than_not() -> None:
    data = clips(3)
    scorer = SetScorer(CLASSES)
    add(scorer, data, slice(0, 83))
    for video, scores, true in zip(
        scorer.videos(), means(data, "log-probs"), data["sets"], strict=True
    ):
        assert video.recognized == tuple(np.flatnonzero(scores >= 0))
        assert video.classes == tuple(np.flatnonzero(true))
