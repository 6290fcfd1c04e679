"""How is searched: the options of lrcn-search that are no values of a training."""

from __future__ import annotations

from dataclasses import dataclass

from lrcn_data.errors import UsageError

SAMPLERS = ("random", "tpe")
"""What --sampler takes."""

PRUNINGS = ("none", "median")
"""What --pruning takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """How is searched.

    Attributes:
        trials: The number of trials in all, over all commands and processes.
        sampler: How values are drawn: `random`, each trial by itself, or `tpe`, near those of
            trials that did well.
        pruning: Which trials end early: `none`, or with `median` those that are worse than half of
            the others were after as many epochs.
        seed: The seed with which values are drawn.
        finalists: The number of the best trials that are trained again.
        repeat: The number of other seeds with which each of those is trained.

    Raises:
        UsageError: A value is out of range.
    """

    trials: int
    sampler: str = "random"
    pruning: str = "none"
    seed: int = 0
    finalists: int = 3
    repeat: int = 3

    def __post_init__(self) -> None:
        least = {"trials": 1, "seed": 0, "finalists": 0, "repeat": 1}
        for name, lowest in least.items():
            value = getattr(self, name)
            if type(value) is not int or value < lowest:
                raise UsageError(
                    f"--{name} must be a whole number of at least {lowest}, got {value!r}"
                )
        for name, choices in (("sampler", SAMPLERS), ("pruning", PRUNINGS)):
            value = getattr(self, name)
            if value not in choices:
                raise UsageError(f"--{name} must be one of {', '.join(choices)}, got {value!r}")
