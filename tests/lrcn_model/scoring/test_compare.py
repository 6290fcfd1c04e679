"""Two evaluations of the same videos, against scipy's paired bootstrap and plain counting."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from lrcn_data.errors import UsageError
from lrcn_model import Agreement, Evaluation, compare, evaluate, read_evaluation

MakeDataSet = Callable[..., Path]
MakeRun = Callable[..., Path]


@pytest.fixture
def shards(make_data_set: MakeDataSet) -> Path:
    return make_data_set(samples={"test": [40]}, sizes=((40, 32),), classes=4)


def scipys(data: tuple[Any, ...], statistic: Any, **options: Any) -> tuple[float, float]:
    found = stats.bootstrap(
        data,
        statistic,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(0),
        **options,
    ).confidence_interval
    return float(found.low), float(found.high)


def right(found: Evaluation) -> np.ndarray:
    return np.array([video.predicted == video.label for video in found.videos], float)  # type: ignore[union-attr]


def test_figures_differ_by_what_they_do_within_scipys_paired_interval(
    shards: Path, make_run: MakeRun
) -> None:
    one, other = (
        evaluate(make_run(f"run {seed}", shards, seed=seed), shards, workers=0) for seed in (1, 5)
    )
    found = compare(one, other)
    a, b = right(one), right(other)
    assert found.differences["accuracy"] == pytest.approx(a.mean() - b.mean())
    expected = scipys((a, b), lambda a, b, axis: (a - b).mean(axis=axis))
    assert found.intervals["accuracy"] == pytest.approx(expected, abs=1e-12)
    labels, *said = (
        np.array(values)
        for values in (
            [video.label for video in one.videos],  # type: ignore[union-attr]
            [video.predicted for video in one.videos],  # type: ignore[union-attr]
            [video.predicted for video in other.videos],  # type: ignore[union-attr]
        )
    )

    def over_classes(labels: Any, first: Any, second: Any) -> float:
        shares = [
            np.mean([np.mean(said[labels == n] == n) for n in np.unique(labels)])
            for said in (first, second)
        ]
        return float(shares[0] - shares[1])

    expected = scipys((labels, *said), over_classes, vectorized=False)
    assert found.intervals["mean_class_accuracy"] == pytest.approx(expected, abs=1e-12)
    assert found.agreement == Agreement(
        both=int((a * b).sum()),
        only_first=int((a * (1 - b)).sum()),
        only_second=int((b * (1 - a)).sum()),
        neither=int(((1 - a) * (1 - b)).sum()),
    )
    report = found.report()
    assert report["mcnemar_p"] == found.agreement.p_value
    assert report["intervals"]["accuracy"] == list(found.intervals["accuracy"])


@pytest.mark.parametrize("counts", [(3, 10), (10, 3), (0, 5), (7, 7), (0, 0), (40, 12)])
def test_mcnemars_test_is_that_of_tossed_coins(counts: tuple[int, int]) -> None:
    only_first, only_second = counts
    tosses, fewer = sum(counts), min(counts)
    tail = sum(math.comb(tosses, heads) for heads in range(fewer + 1)) / 2**tosses
    found = Agreement(both=9, only_first=only_first, only_second=only_second, neither=9)
    assert found.p_value == pytest.approx(min(1.0, 2 * tail))


def test_sets_of_classes_are_compared_by_their_mean_average_precision(
    make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    shards = make_data_set(samples={"test": [40]}, classes=3, multi_label=True)
    one, other = (
        evaluate(make_run(f"run {seed}", shards, seed=seed), shards, workers=0) for seed in (1, 5)
    )
    found = compare(one, other)
    assert found.agreement is None
    assert found.report()["mcnemar_p"] is None
    sets = np.array([[n in video.classes for n in range(3)] for video in one.videos])
    scores = [np.array([video.scores for video in e.videos]) for e in (one, other)]

    def mean_average_precision(counts: np.ndarray, scores: np.ndarray) -> float:
        return float(
            np.mean(
                [
                    metrics.average_precision_score(sets[:, n], scores[:, n], sample_weight=counts)
                    for n in range(3)
                ]
            )
        )

    def difference(counts: np.ndarray) -> float:
        first, second = (mean_average_precision(counts, rows) for rows in scores)
        return first - second

    assert found.differences["mean_average_precision"] == pytest.approx(
        difference(np.ones(len(sets)))
    )
    low, high = found.intervals["mean_average_precision"]
    # scikit-learn is slow, and fewer draws make other ends
    rng, count = np.random.default_rng(4), len(sets)
    draws = [
        difference(np.bincount(rng.integers(0, count, count), minlength=count)) for _ in range(400)
    ]
    spread = np.std(draws)
    assert [low, high] == pytest.approx(np.percentile(draws, [2.5, 97.5]), abs=0.4 * spread)


def test_an_evaluation_that_was_kept_can_be_compared(shards: Path, make_run: MakeRun) -> None:
    one, other = (
        evaluate(make_run("run", shards), shards, views=views, workers=0)
        for views in ("whole", "ten-crop")
    )
    assert one.kept is not None
    assert compare(read_evaluation(one.kept), other).report() == compare(one, other).report()


def test_other_videos_or_classes_are_refused(
    shards: Path, make_data_set: MakeDataSet, make_run: MakeRun
) -> None:
    one = evaluate(make_run("a", shards), shards, workers=0)
    fewer = make_data_set("fewer", samples={"test": [6]}, sizes=((40, 32),), classes=4)
    other = evaluate(make_run("b", fewer), fewer, workers=0)
    with pytest.raises(UsageError, match=r"a was evaluated on \d+ videos, .*b on \d+, of which"):
        compare(one, other)
    named = make_data_set(
        "named", samples={"test": [6]}, sizes=((40, 32),), classes=4, class_names=list("wxyz")
    )
    other = evaluate(make_run("c", named), named, workers=0)
    with pytest.raises(UsageError, match="were evaluated on other classes"):
        compare(one, other)
