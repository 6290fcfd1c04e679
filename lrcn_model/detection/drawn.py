"""Figures of draws of videos that are found together, or would take too much memory at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lrcn_model.detection.frame_track import Floats
from lrcn_model.figures.intervals import DrawnFigure

_NUMBERS_AT_ONCE = 1 << 22
"""Of single precision they are 16 MB."""

DrawnFigures = Callable[[Floats], Floats]
"""A function of how often each video was drawn, float64 (draws, videos), that gives several figures
of each draw, float64 (figures, draws)."""


def by_name(names: Sequence[str], figures: DrawnFigures) -> dict[str, DrawnFigure]:
    """Each of several figures by itself; those of the same draws are found once.

    Args:
        names: The names of the figures, in their order.
        figures: The function that finds them all.
    """
    last: list[tuple[Floats, Floats]] = []

    def figure(number: int) -> DrawnFigure:
        def of_draws(counts_DV: Floats) -> Floats:
            if not last or last[0][0] is not counts_DV:
                last[:] = [(counts_DV, figures(counts_DV))]
            found_D: Floats = last[0][1][number]
            return found_D

        return of_draws

    return {name: figure(number) for number, name in enumerate(names)}


def in_pieces(figures: DrawnFigures, numbers: int) -> DrawnFigures:
    """The same figures, found of some draws at a time.

    Args:
        figures: The function that finds them.
        numbers: How many numbers it needs for a draw.
    """
    piece = max(1, _NUMBERS_AT_ONCE // max(1, numbers))

    def of_draws(counts_DV: Floats) -> Floats:
        starts = range(0, len(counts_DV), piece)
        return np.concatenate([figures(counts_DV[n : n + piece]) for n in starts], axis=1)

    return of_draws


def share(part: Floats, whole: Floats) -> Floats:
    """Parts of wholes, nan where the whole is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def mean_there(values: Floats) -> Floats:
    """The mean over the last axis of the values that are there; nan where all are nan."""
    there = ~np.isnan(values)
    return share(np.where(there, values, 0).sum(axis=-1), there.sum(axis=-1))
