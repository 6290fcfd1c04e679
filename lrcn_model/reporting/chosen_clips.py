"""Which clips a page shows where it can't show all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import zip_longest

import numpy as np

from lrcn_model.reporting.shown_clip import Bools, Floats, Ints, RunClips

_SHARE_WRONG = 0.75
"""The share of all clips that wrong ones have at most, as long as there are others."""

_SHARE_DISAGREEING = 1 / 16
"""The share of those whose frames disagree most."""


def choose_clips(runs: Sequence[RunClips], most: int) -> list[Hashable]:
    """Choose the clips to show of the evaluations of runs, each run in its turn.

    Args:
        runs: The clips of each run.
        most: The largest number of clips.

    Returns:
        The identities of the chosen clips, those of `order_of_clips` first.
    """
    orders = []
    for run in runs:
        identities = run.identities
        order = order_of_clips(run.labels, run.right, run.certainty, run.disagreement, most)
        orders.append([identities[number] for number in order])
    turns = (one for turn in zip_longest(*orders) for one in turn if one is not None)
    return list(dict.fromkeys(turns))[:most]


def order_of_clips(
    labels_N: Ints, right_N: Bools, certainty_N: Floats, disagreement_N: Floats, most: int
) -> list[int]:
    """All clips, those before others that tell more.

    First come a few whose frames disagree most, then the wrong ones, the surest first, as long as
    they leave room for others; then the right ones, one of each class in turn, the surest first.

    Args:
        labels_N: The class of each clip, int64 (clips,).
        right_N: Whether each is right, bool (clips,).
        certainty_N: How sure the net is of what it says, float64 (clips,).
        disagreement_N: How far its frames disagree, float64 (clips,).
        most: The number of clips that will be shown.

    Returns:
        The numbers of the clips.
    """
    surest = np.argsort(-certainty_N, kind="stable").tolist()
    wrong = [number for number in surest if not right_N[number]]
    of_class: dict[int, int] = {}
    turns = []
    for number in surest:
        if right_N[number]:
            label = int(labels_N[number])
            of_class[label] = turn = of_class.get(label, 0) + 1
            turns.append((turn, label, number))
    right = [number for _, _, number in sorted(turns)]
    disagreeing = np.argsort(-disagreement_N, kind="stable").tolist()
    room = max(int(most * _SHARE_WRONG), most - len(right))
    first = [*disagreeing[: int(most * _SHARE_DISAGREEING)], *wrong[:room]]
    return list(dict.fromkeys([*first, *right, *wrong]))
