"""The runs of a page side by side: their figures, and whether one is better or only luckier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lrcn_data.errors import UsageError
from lrcn_model.detection.figure_names import FRACTIONS
from lrcn_model.reporting.figure_texts import (
    NAMES,
    OVERLAP,
    Figure,
    points_figure,
)
from lrcn_model.reporting.run_section import RunSection
from lrcn_model.scoring.compare import Agreement, compare
from lrcn_model.scoring.evaluation import Evaluation
from lrcn_model.scoring.evaluation_in_time import EvaluationInTime, compare_in_time
from lrcn_model.scoring.set_scorer import SetResult


class SideBySide(NamedTuple):
    """A figure of all runs.

    Attributes:
        name: What it is.
        figures: That of each run; None where it has none.
    """

    name: str
    figures: list[Figure | None]


class ComparedPair(NamedTuple):
    """Two runs compared on the same videos.

    Attributes:
        first: The letter of the one run.
        second: The letter of the other one.
        differences: Figures of the first less those of the second, in percentage points.
        agreement: How many videos each is right about; None where that is not counted.
        without: The reason why they can't be compared; empty where they are.
    """

    first: str
    second: str
    differences: list[Figure]
    agreement: Agreement | None
    without: str


def side_by_side(sections: Sequence[RunSection]) -> list[SideBySide]:
    """The figures of runs, each figure that any of them has, in the order of the runs' own."""
    own = [
        {one.name: one for figures in section.figures for one in figures} for section in sections
    ]
    names = dict.fromkeys(name for figures in own for name in figures)
    return [SideBySide(name, [figures.get(name) for figures in own]) for name in names]


def compared_pairs(sections: Sequence[RunSection]) -> list[ComparedPair]:
    """The first run that was evaluated, compared with each of the others."""
    first, *others = [section for section in sections if section.run.evaluation]
    return [_compared(first, other) for other in others]


def _compared(first: RunSection, second: RunSection) -> ComparedPair:
    one, other = first.run.evaluation, second.run.evaluation
    letters = first.letter, second.letter
    try:
        if isinstance(one, Evaluation) and isinstance(other, Evaluation):
            found = compare(one, other)
            names = {**NAMES, "accuracy": OVERLAP} if isinstance(one.result, SetResult) else NAMES
            figures = [
                points_figure(names[name], value, found.intervals.get(name))
                for name, value in found.differences.items()
            ]
            return ComparedPair(*letters, figures, found.agreement, "")
        if isinstance(one, EvaluationInTime) and isinstance(other, EvaluationInTime):
            in_time = compare_in_time(one, other)
            figures = [
                points_figure(name, in_time.differences[key], in_time.intervals.get(key))
                for key, name in FRACTIONS.items()
                if key in in_time.differences
            ]
            return ComparedPair(*letters, figures, None, "")
    except UsageError as error:
        return ComparedPair(*letters, [], None, str(error))
    return ComparedPair(
        *letters,
        [],
        None,
        f"{first.run.name} and {second.run.name} were evaluated on labels of other kinds; compare"
        " runs of one kind",
    )
