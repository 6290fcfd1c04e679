"""Divides groups of videos among the folds of a cross-validation.

A group goes into one fold as a whole, so that no fold is tested on what it was trained on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from lrcn_data.lists.group_split import seeded_hash


def divide_groups(
    groups: Mapping[str, Mapping[str, int]], folds: int, *, seed: int
) -> list[list[str]]:
    """Divide groups among folds so that the folds have about equal shares of each class.

    The largest groups come first. Each goes into the fold in which it adds least to the sum of all
    squared shares, a share being the part of a class's videos that a fold has; of equal folds, into
    one with the fewest videos. Where every group is a single video, the numbers of a class's videos
    in two folds differ by one at most, and so do those of all videos.

    Args:
        groups: The number of videos of each class in each group.
        folds: The number of folds, from 1 to the number of groups.
        seed: Seed of the order of groups of the same size.

    Returns:
        The names of the groups in each fold, at least one.
    """
    class_sizes = Counter[str]()
    for members in groups.values():
        class_sizes.update(members)
    divided: list[list[str]] = [[] for _ in range(folds)]
    taken = [Counter[str]() for _ in range(folds)]
    for number, name in enumerate(_largest_first(groups, seed)):
        members = groups[name]
        # the square of t + m is larger than that of t by 2tm + m²; only tm differs between folds
        costs = [
            (
                math.fsum(count * fold[c] / class_sizes[c] ** 2 for c, count in members.items()),
                fold.total(),
            )
            for fold in taken
        ]
        empty = [fold for fold in range(folds) if not divided[fold]]
        allowed = empty if len(empty) == len(groups) - number else range(folds)
        chosen = min(allowed, key=costs.__getitem__)
        divided[chosen].append(name)
        taken[chosen].update(members)
    return divided


def _largest_first(groups: Mapping[str, Mapping[str, int]], seed: int) -> list[str]:
    """The names of the groups by size; of one size class by class, and at random within these."""
    return sorted(
        groups,
        key=lambda name: (
            -sum(groups[name].values()),
            sorted(groups[name]),
            seeded_hash(seed, "fold", name),
        ),
    )
