"""Evaluations joined video by video, against loops over their videos."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from lrcn_data.errors import UsageError
from lrcn_model import Evaluation, compare, evaluate, fuse
from lrcn_model.scoring.scorer import VideoScores

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]

TO_PROBABILITIES: dict[tuple[bool, str], Callable[[np.ndarray], np.ndarray]] = {
    (False, "log-probs"): special.softmax,
    (False, "probs"): lambda scores: scores,
    (True, "log-probs"): special.expit,
    (True, "probs"): lambda scores: scores,
}


def joined(
    parts: Sequence[Evaluation], weights: Sequence[float], *, sets: bool
) -> dict[Any, np.ndarray]:
    """The weighted mean of the probabilities of each video that all parts have."""
    found: dict[Any, np.ndarray] = {}
    for video in parts[0].videos:
        rows = []
        for part in parts:
            same = [
                other
                for other in part.videos
                if (other.video, other.source, other.classes)
                == (video.video, video.source, video.classes)
            ]
            rows += [TO_PROBABILITIES[sets, part.average](one.scores) for one in same]
        if len(rows) == len(parts):
            total = sum(weight * row for weight, row in zip(weights, rows, strict=True))
            found[video.video, video.source, video.classes] = total / sum(weights)
    return found


@pytest.fixture
def shards(make_data_set: MakeDataSet) -> Path:
    return make_data_set(samples={"test": [20, 20]}, sizes=((40, 32),), classes=7)


@pytest.mark.parametrize("averages", [("probs", "probs"), ("log-probs", "probs")])
@pytest.mark.parametrize("weights", [(0.33, 0.67), (1, 2), (1, 0)])
def test_a_videos_probabilities_are_the_weighted_mean_of_the_parts(
    shards: Path, make_run: MakeRun, averages: tuple[str, str], weights: tuple[float, float]
) -> None:
    parts = [
        evaluate(make_run(f"run {seed}", shards, seed=seed), shards, average=average, workers=0)
        for seed, average in zip((1, 5), averages, strict=True)
    ]
    found = fuse(parts, weights)
    assert found.weights == pytest.approx([weight / sum(weights) for weight in weights])
    expected = joined(parts, weights, sets=False)
    assert len(found.fused.videos) == len(expected) == len(parts[0].videos)
    right = []
    for video in found.fused.videos:
        scores = expected[video.video, video.source, video.classes]
        assert video.scores == pytest.approx(scores, abs=1e-12)
        assert video.scores.sum() == pytest.approx(1)
        right.append(video.classes == (int(scores.argmax()),))
        assert video.recognized == (int(scores.argmax()),)
    result = found.fused.result
    assert result.accuracy == pytest.approx(np.mean(right))
    assert (result.videos, result.clips, result.failed) == (len(right), 0, parts[0].result.failed)
    low, high = found.fused.intervals["accuracy"]
    assert low <= result.accuracy <= high
    for part, compared in zip(parts, found.comparisons, strict=True):
        assert compared.report() == compare(found.fused, part).report()


def test_one_run_with_itself_is_that_run(shards: Path, make_run: MakeRun) -> None:
    one = evaluate(make_run("run", shards), shards, average="probs", workers=0)
    found = fuse([one, one])
    assert [video.recognized for video in found.fused.videos] == [
        video.recognized for video in one.videos
    ]
    for name in ("videos", "accuracy", "top5", "mean_class_accuracy", "confusion"):
        assert getattr(found.fused.result, name) == getattr(one.result, name)
    assert all(compared.agreement.p_value == 1 for compared in found.comparisons)  # type: ignore[union-attr]


def test_videos_that_a_part_lacks_are_named_and_count_as_not_scored(
    shards: Path, make_run: MakeRun
) -> None:
    whole = evaluate(make_run("whole", shards), shards, workers=0)
    part = evaluate(make_run("part", shards, seed=5), shards / "test-001.tar", workers=0)
    found = fuse([whole, part], [1, 1])
    scored = {video.identity for video in part.videos}
    lacking = [video for video in whole.videos if video.identity not in scored]
    assert 0 < len(lacking) < len(whole.videos)
    assert found.missing[0] == []
    assert sorted(found.missing[1]) == sorted(video.video for video in lacking)
    result = found.fused.result
    assert result.videos == len(whole.videos) - len(lacking)
    unscored = len(lacking) + whole.result.skipped + whole.result.failed
    assert result.skipped + result.failed == unscored
    right = result.accuracy * result.videos
    assert result.accuracy_skipped_wrong == pytest.approx(right / (result.videos + unscored))
    assert found.comparisons[0].agreement is not None
    assert sum(found.comparisons[0].agreement) == result.videos


def test_sets_of_classes_are_joined_by_the_probability_of_each(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    shards = make_data_set(samples={"test": [30]}, classes=3, multi_label=True)
    parts = [
        evaluate(make_run(f"run {seed}", shards, seed=seed), shards, workers=0) for seed in (1, 5)
    ]
    found = fuse(parts, [1, 3])
    expected = joined(parts, [1, 3], sets=True)
    for video in found.fused.videos:
        scores = expected[video.video, video.source, video.classes]
        assert video.scores == pytest.approx(scores, abs=1e-12)
        assert video.recognized == tuple(np.flatnonzero(scores >= 0.5))
    assert 0 <= found.fused.result.mean_average_precision <= 1  # type: ignore[union-attr]
    assert found.comparisons[0].agreement is None


def test_a_video_that_one_part_has_skipped_and_another_scored_counts_once(
    shards: Path, make_run: MakeRun
) -> None:
    whole = evaluate(make_run("whole", shards), shards, workers=0)
    few = evaluate(make_run("part", shards, seed=5), shards / "test-001.tar", workers=0)
    lacking = len(whole.videos) - len(few.videos)
    skips = replace(few, result=replace(few.result, skipped=few.result.skipped + lacking))
    result = fuse([whole, skips]).fused.result
    every = whole.result.videos + whole.result.skipped + whole.result.failed
    assert result.videos + result.skipped + result.failed == every
    assert result.skipped == skips.result.skipped


def test_large_weights_are_divided_by_their_sum(shards: Path, make_run: MakeRun) -> None:
    one = evaluate(make_run("run", shards), shards, workers=0)
    assert fuse([one, one], [1e308, 1e308]).weights == [0.5, 0.5]


def test_a_video_with_another_class_in_the_other_list_is_named(
    shards: Path, make_run: MakeRun
) -> None:
    one = evaluate(make_run("run", shards), shards, workers=0)
    name = one.videos[0].video
    others = {video.classes[0] for video in one.videos if video.video == name}
    label = next(number for number in range(7) if number not in others)
    moved = [
        replace(video, label=label) if video.video == name else video
        for video in one.videos
        if isinstance(video, VideoScores)
    ]
    said = rf"{re.escape(name)} is .* and {one.classes[label]} in those of .* of the same lists"
    with pytest.raises(UsageError, match=said):
        fuse([one, replace(one, videos=moved)])


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [1, -1], [0, 0], [1, float("nan")]])
def test_weights_that_weigh_nothing_are_refused(
    shards: Path, make_run: MakeRun, weights: list[float]
) -> None:
    one = evaluate(make_run("run", shards), shards, workers=0)
    with pytest.raises(UsageError, match="2 evaluations need as many weights of at least 0"):
        fuse([one, one], weights)


def test_what_has_nothing_in_common_is_refused(
    shards: Path, make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    def evaluation(name: str, folder: Path, **values: Any) -> Evaluation:
        return evaluate(make_run(name, folder), folder, workers=0, **values)

    one = evaluation("a", shards)
    with pytest.raises(UsageError, match="of two evaluations or more, got 1"):
        fuse([one])
    others = make_data_set("others", samples={"test": [6]}, sizes=((40, 32),), classes=5)
    with pytest.raises(UsageError, match=r"a and .*b tell other classes apart"):
        fuse([one, evaluation("b", others)])
    with pytest.raises(UsageError, match=r"in other views of clips \(whole\) than .*--views"):
        fuse([one, evaluation("c", shards, views="flip")])
    halves = [evaluation(f"run {n}", shards / f"test-00{n}.tar") for n in range(2)]
    with pytest.raises(UsageError, match="have no video in common"):
        fuse(halves)
