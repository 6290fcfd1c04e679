"""Figures over folds and seeds, against plain means and scipy's bootstrap."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from lrcn_data.errors import UsageError
from lrcn_model import (
    Evaluation,
    evaluate,
    find_evaluation,
    pooled_difference,
    read_evaluation,
    summarize,
)

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]


@pytest.fixture
def folds(make_data_set: MakeDataSet) -> list[Path]:
    """Three data sets of videos with the same names, of which some have the same class."""
    return [
        make_data_set(f"fold {n}", samples={"test": [9 + n]}, sizes=((40, 32),), classes=3, seed=n)
        for n in range(3)
    ]


def evaluations(folds: list[Path], make_run: MakeRun, seeds: int = 2) -> list[Evaluation]:
    return [
        evaluate(make_run(f"{fold.name} {seed}", fold, seed=seed), fold, workers=0)
        for seed in range(seeds)
        for fold in folds
    ]


def scipys(values: list[float] | np.ndarray) -> list[float]:
    found = stats.bootstrap(
        (values,), np.mean, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return [float(found.low), float(found.high)]


def shares(found: list[Evaluation]) -> dict[tuple[str, int, int], list[bool]]:
    right: dict[tuple[str, int, int], list[bool]] = {}
    for evaluation in found:
        for video in evaluation.videos:
            name = (video.video, video.source, video.label)  # type: ignore[union-attr]
            right.setdefault(name, []).append(video.predicted == video.label)  # type: ignore[union-attr]
    return right


def test_folds_have_a_mean_and_a_deviation_and_all_their_videos_an_interval(
    folds: list[Path], make_run: MakeRun
) -> None:
    found = evaluations(folds, make_run)
    summary = summarize(found)
    accuracies = [[found[n].result.accuracy, found[n + 3].result.accuracy] for n in range(3)]
    assert [list(fold.figures) for fold in summary.folds] == accuracies
    means = [statistics.mean(pair) for pair in accuracies]
    assert [fold.mean for fold in summary.folds] == pytest.approx(means)
    assert [fold.deviation for fold in summary.folds] == pytest.approx(
        [statistics.stdev(pair) for pair in accuracies]
    )
    assert summary.mean == pytest.approx(statistics.mean(means))
    assert summary.deviation == pytest.approx(statistics.stdev(means))
    right = shares(found)
    # the made data sets share names of videos, whose label may be another one
    assert len(right) < sum(evaluation.result.videos for evaluation in found[:3])
    expected = [statistics.mean(map(float, right[name])) for name in sorted(right)]
    assert summary.pooled == pytest.approx(statistics.mean(expected))
    assert summary.interval is not None
    assert list(summary.interval) == pytest.approx(scipys(expected), abs=1e-12)


def test_one_fold_of_one_seed_is_its_evaluation(folds: list[Path], make_run: MakeRun) -> None:
    [found] = evaluations(folds[:1], make_run, seeds=1)
    summary = summarize([found])
    assert summary.pooled == summary.mean == pytest.approx(found.result.accuracy)
    assert summary.interval == pytest.approx(found.intervals["accuracy"])
    assert math.isnan(summary.deviation)
    assert summary.report()["standard_deviation"] is None


def test_the_report_names_each_run_and_its_file(folds: list[Path], make_run: MakeRun) -> None:
    found = evaluations(folds, make_run)
    report = json.loads(json.dumps(summarize(found).report()))
    assert report["figure"] == "accuracy"
    assert [len(fold["runs"]) for fold in report["folds"]] == [2, 2, 2]
    for number, fold in enumerate(report["folds"]):
        for seed, run in enumerate(fold["runs"]):
            evaluation = found[number + 3 * seed]
            assert run["run"] == evaluation.run
            assert read_evaluation(run["evaluation"]).result.accuracy == run["figure"]


def test_sets_of_classes_have_their_mean_average_precision_and_pooled_overlap(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    found = []
    for n in range(2):
        shards = make_data_set(f"f{n}", samples={"test": [8 + n]}, seed=n, multi_label=True)
        found.append(evaluate(make_run(f"run {n}", shards), shards, workers=0))
    summary = summarize(found)
    assert summary.figure == "mean_average_precision"
    figures = [e.result.mean_average_precision for e in found]  # type: ignore[union-attr]
    assert summary.mean == pytest.approx(statistics.mean(figures))
    overlaps: dict[object, list[float]] = {}
    for video in (video for evaluation in found for video in evaluation.videos):
        true, said = set(video.classes), set(video.recognized)
        overlap = len(true & said) / len(true | said) if true | said else 1.0
        overlaps.setdefault((video.video, video.classes), []).append(overlap)
    assert summary.pooled == pytest.approx(
        statistics.mean(statistics.mean(values) for values in overlaps.values())
    )


def test_two_summaries_of_the_same_videos_differ_within_a_paired_interval(
    folds: list[Path], make_run: MakeRun
) -> None:
    found = evaluations(folds, make_run, seeds=3)
    first, second = summarize(found[:6]), summarize(found[6:])
    difference, interval = pooled_difference(first, second)
    one, other = shares(found[:6]), shares(found[6:])
    expected = [float(np.mean(one[name]) - np.mean(other[name])) for name in sorted(one)]
    assert difference == pytest.approx(np.mean(expected))
    assert interval is not None
    assert list(interval) == pytest.approx(scipys(expected), abs=1e-12)
    with pytest.raises(UsageError, match=r"of \d+ and \d+ videos, of which \d+ are the same"):
        pooled_difference(first, summarize(found[:1]))


def test_what_was_not_made_alike_is_refused(
    folds: list[Path], make_run: MakeRun, make_data_set: MakeDataSet
) -> None:
    run = make_run("run", folds[0])
    found = evaluate(run, folds[0], workers=0)
    flipped = evaluate(run, folds[0], views="flip", workers=0)
    with pytest.raises(UsageError, match="evaluated with other views: whole and flip; evaluate"):
        summarize([found, flipped])
    by_probs = evaluate(run, folds[0], average="probs", workers=0)
    with pytest.raises(UsageError, match="other averaged scores: log-probs and probs"):
        summarize([found, by_probs])
    with pytest.raises(UsageError, match="run is there twice with the same shards; name it once"):
        summarize([found, found])
    other = make_data_set("four", samples={"test": [3]}, sizes=((40, 32),), classes=4)
    of_four = evaluate(make_run("four run", other), other, workers=0)
    with pytest.raises(UsageError, match="evaluated with other classes; evaluate all runs alike"):
        summarize([found, of_four])
    with pytest.raises(UsageError, match="there is no evaluation to sum up"):
        summarize([])


def test_the_evaluation_of_a_run_is_found(folds: list[Path], make_run: MakeRun) -> None:
    shards = folds[0]
    run = make_run("run", shards)
    with pytest.raises(UsageError, match="has no evaluation; make one with `lrcn-eval "):
        find_evaluation(run)
    whole = evaluate(run, shards, workers=0)
    found = find_evaluation(run)
    assert found.report() == whole.report()
    assert (found.run, found.kept) == (str(run), whole.kept)
    flip = evaluate(run, shards, views="flip", workers=0)
    with pytest.raises(UsageError, match="has 2 evaluations that fit, of test-flip-log-probs-"):
        find_evaluation(run)
    assert find_evaluation(run, views="flip").kept == flip.kept
    assert find_evaluation(run, views="whole", average="log-probs").kept == whole.kept
    with pytest.raises(UsageError, match="has no evaluations that fit, of test-flip-log-probs-"):
        find_evaluation(run, views="ten-crop")
    assert flip.kept is not None
    assert find_evaluation(flip.kept).views.name == "flip"


def test_test_shards_go_before_others(make_data_set: MakeDataSet, make_run: MakeRun) -> None:
    shards = make_data_set(samples={"val": [4], "test": [4]}, sizes=((40, 32),), classes=3)
    run = make_run("run", shards)
    val = evaluate(run, str(shards / "val-000.tar"), workers=0)
    assert find_evaluation(run).kept == val.kept
    test = evaluate(run, shards, workers=0)
    assert find_evaluation(run).kept == test.kept


def test_the_evaluation_is_of_the_weights_that_the_run_has_now(
    folds: list[Path], make_run: MakeRun
) -> None:
    shards = folds[0]
    run = make_run("run", shards)
    evaluate(run, shards, workers=0)
    make_run("run", shards, seed=3, trained={"epoch": 2, "step": 10})
    with pytest.raises(UsageError, match="was evaluated with other weights than it has now; use"):
        find_evaluation(run)
    later = evaluate(run, shards, workers=0)
    assert find_evaluation(run).kept == later.kept
    # where only the evaluations were copied, they are all there is
    (run / "weights.safetensors").unlink()
    with pytest.raises(UsageError, match="has 2 evaluations that fit"):
        find_evaluation(run)


def test_a_run_in_a_store_that_was_not_evaluated_is_said_to_be_so() -> None:
    with pytest.raises(UsageError, match="memory://run has no evaluation; make one with"):
        find_evaluation("memory://run")
