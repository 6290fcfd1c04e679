"""Figures of each class, as tables, files and pictures show them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

F1 = "F1"
"""The figure by which classes are the worst or the best ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassTable:
    """Figures of each class, by class number.

    Attributes:
        classes: The class names.
        things: What is counted, in the plural, such as videos.
        counts: How many of these each class has.
        figures: Fractions from 0 to 1, or nan, by the figure's name; `F1` is one of them.
    """

    classes: Sequence[str]
    things: str
    counts: Sequence[int]
    figures: Mapping[str, Sequence[float]]

    def with_figures(self) -> list[int]:
        """The classes that there is something to say of: some thing has them, or is taken so."""
        return [number for number, f1 in enumerate(self.figures[F1]) if not math.isnan(f1)]

    def worst_and_best(self, most: int) -> list[int]:
        """As many of these classes, the worst ones first; all in their own order where they fit.

        Args:
            most: The largest number of classes.
        """
        numbers = self.with_figures()
        if len(numbers) <= most:
            return numbers
        numbers.sort(key=self.figures[F1].__getitem__)
        worst = -(-most // 2)
        return [*numbers[:worst], *numbers[len(numbers) - (most - worst) :]]

    def title(self, most: int) -> str:
        """What a table or a picture of so many classes shows."""
        count = len(self.with_figures())
        if count <= most:
            return "classes"
        worst = -(-most // 2)
        return f"the {worst} worst and the {most - worst} best of {count} classes, by {F1}"
