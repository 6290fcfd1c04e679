"""What a search has found."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lrcn_model.searching.trial import FINISHED, Outcome, TrialResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Finalist:
    """One of the best trials, trained again with other seeds.

    Attributes:
        trial: The trial, with the figure by which it was chosen, and which is too good for that.
        repeats: What the trainings with other seeds have come to; one that diverged counts with
            what it had, or 0.
    """

    trial: TrialResult
    repeats: tuple[Outcome, ...]

    @property
    def figures(self) -> list[float]:
        """The figure of each other seed, from 0 to 1."""
        return [one.figure or 0.0 for one in self.repeats]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.figures)

    @property
    def deviation(self) -> float | None:
        """Their standard deviation, as that of a sample; None of a single one."""
        return statistics.stdev(self.figures) if len(self.repeats) > 1 else None

    @property
    def rank(self) -> tuple[float, tuple[float, float, int]]:
        """What finalists are sorted by, the best first: their mean."""
        return -self.mean, self.trial.rank


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a search has found.

    Attributes:
        folder: The search's folder.
        figure: The name of the figure that was maximized, such as accuracy.
        trials: All trials that have ended: those that finished, the best first, then the others.
        finalists: The trials that were trained with other seeds, the best mean first.
        best: The trial whose values are in best.toml: the first finalist, else the best trial.
    """

    folder: Path
    figure: str
    trials: tuple[TrialResult, ...]
    finalists: tuple[Finalist, ...]
    best: TrialResult

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "folder": str(self.folder),
            "figure": self.figure,
            "trials": [_as_json(one) for one in self.trials],
            "finalists": [
                {
                    "number": one.trial.number,
                    "values": dict(one.trial.values),
                    "chosen_by": one.trial.outcome.figure,
                    "mean": one.mean,
                    "standard_deviation": one.deviation,
                    "figures": one.figures,
                }
                for one in self.finalists
            ],
            "best": {
                "number": self.best.number,
                "values": dict(self.best.values),
                "config": str(self.folder / "best.toml"),
            },
        }


def _as_json(trial: TrialResult) -> dict[str, Any]:
    return {"number": trial.number, "values": dict(trial.values), **asdict(trial.outcome)}


def distinct(trials: Iterable[TrialResult]) -> list[TrialResult]:
    """The trials without those whose values an earlier one of them has."""
    found: list[TrialResult] = []
    for trial in trials:
        if all(trial.values != one.values for one in found):
            found.append(trial)
    return found


def ranked(trials: Iterable[TrialResult]) -> list[TrialResult]:
    """The trials that have finished, the best first."""
    finished = (one for one in trials if one.outcome.state == FINISHED)
    return sorted(finished, key=lambda one: one.rank)
