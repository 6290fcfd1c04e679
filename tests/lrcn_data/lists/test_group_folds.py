from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.lists.group_folds import divide_groups

Groups = dict[str, dict[str, int]]

some_groups = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=1), min_size=2, max_size=30
).map(lambda members: {f"group {number}": found for number, found in enumerate(members)})


def class_counts(groups: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> Counter[str]:
    counts = Counter[str]()
    for name in names:
        counts.update(groups[name])
    return counts


@given(some_groups, st.data())
def test_every_group_is_in_one_fold_and_no_fold_is_empty(
    groups: Groups, data: st.DataObject
) -> None:
    folds = data.draw(st.integers(1, len(groups)))
    divided = divide_groups(groups, folds, seed=0)
    assert sorted(name for names in divided for name in names) == sorted(groups)
    assert len(divided) == folds
    assert all(divided)


@given(st.lists(st.sampled_from("abc"), min_size=7, max_size=60), st.integers(2, 7))
def test_single_videos_are_divided_as_evenly_as_can_be(classes: list[str], folds: int) -> None:
    videos = {f"video {number}": {name: 1} for number, name in enumerate(classes)}
    counts = [class_counts(videos, names) for names in divide_groups(videos, folds, seed=0)]
    for name in "abc":
        assert max(count[name] for count in counts) - min(count[name] for count in counts) <= 1
    totals = [count.total() for count in counts]
    assert max(totals) - min(totals) <= 1


def numbered(rng: np.random.Generator) -> Groups:
    """Groups as UCF-101's: each has a few videos of every class."""
    return {
        f"g{g:02d}": {f"class {c}": int(rng.integers(4, 8)) for c in range(20)} for g in range(25)
    }


def persons(rng: np.random.Generator) -> Groups:
    """Groups with videos of some of the classes."""
    return {
        f"p{p}": {f"class {c}": int(rng.integers(1, 4)) for c in range(8) if rng.random() < 0.6}
        or {"class 0": 1}
        for p in range(20)
    }


def films(rng: np.random.Generator) -> Groups:
    """Groups of very different sizes, and classes as well."""
    return {
        f"f{f}": {
            f"class {c}": int(count)
            for c, count in enumerate(
                rng.multinomial(min(int(rng.pareto(1)), 59) + 1, np.arange(1, 11) / 55)
            )
            if count
        }
        for f in range(100)
    }


@pytest.mark.parametrize("kind", [numbered, persons, films])
def test_classes_are_balanced_at_least_as_well_as_by_scikit_learn(kind) -> None:  # type: ignore[no-untyped-def]
    from sklearn.model_selection import StratifiedGroupKFold

    def imbalance(counts: Sequence[Mapping[str, int]], sizes: Mapping[str, int]) -> float:
        return float(np.mean([np.var([c[k] / sizes[k] for c in counts]) for k in sizes]))

    ours, theirs = [], []
    for seed in range(10):
        groups = kind(np.random.default_rng(seed))
        sizes = class_counts(groups, list(groups))
        divided = divide_groups(groups, 5, seed=seed)
        ours.append(imbalance([class_counts(groups, names) for names in divided], sizes))
        rows = [
            (c, g)
            for g, found in groups.items()
            for c, count in found.items()
            for _ in range(count)
        ]
        classes, names = np.array(rows).T
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        with warnings.catch_warnings(action="ignore"):  # of classes with few videos
            tests = [test for _, test in splitter.split(classes, classes, names)]
        theirs.append(imbalance([Counter(classes[test].tolist()) for test in tests], sizes))
    assert np.mean(ours) <= np.mean(theirs)


def test_the_folds_depend_on_the_seed_and_not_on_the_order() -> None:
    groups = numbered(np.random.default_rng(0))
    same_size = {name: dict.fromkeys(found, 5) for name, found in groups.items()}
    turned = {name: dict(reversed(same_size[name].items())) for name in reversed(list(same_size))}
    assert divide_groups(same_size, 5, seed=0) == divide_groups(turned, 5, seed=0)
    assert divide_groups(same_size, 5, seed=0) != divide_groups(same_size, 5, seed=1)
