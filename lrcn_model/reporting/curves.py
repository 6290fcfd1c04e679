"""The curves of runs over steps and epochs, from the lines of their metrics.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrcn_model.reporting.run_contents import RunContents

_MOST_POINTS = 600
"""Points of a curve beyond which neighbours are averaged; a page is not that many pixels wide."""

_LOSSES = {"loss": "training, a mean of each epoch", "val_frame_loss": "validation"}

_SHARES = {
    "accuracy": "training",
    "val_accuracy": "validation: videos (recognition)",
    "val_frame_accuracy": "validation: frames (detection)",
    "val_mean_class_accuracy": "validation: videos, mean over classes",
    "val_top5": "validation: videos, top 5",
    "val_mean_average_precision": "validation: mAP",
    "val_micro_f1": "validation: F1 of all classes together",
    "val_macro_f1": "validation: F1, mean over classes",
    "val_frame_map": "validation: frame mAP",
    "val_f1_50": "validation: segmental F1 at 50 %",
    "val_edit": "validation: edit score",
}
"""What the figures of epochs are called."""

_HIDDEN = {"val_mean_class_accuracy", "val_top5", "val_micro_f1", "val_macro_f1", "val_edit"}
"""Figures that are shown only once they are asked for."""

_OF_STEPS = (("learning rate", "lr"), ("clips a second", "clips_per_s"))


def curves(runs: Sequence[tuple[str, RunContents]]) -> list[dict[str, Any]]:
    """The plots of runs, one below the other, as the page's script draws them.

    Args:
        runs: The runs, each with what its curves are marked by; an empty text for a single run.

    Returns:
        The plots that have a curve. Each has a `title`, whether its values are shares from 0 to 1
        (`percent`), and `series`: of each its `name`, the number of its `run`, whether it is
        `shown` from the start, the `steps` and `epochs` of its points, and their `values`.
    """
    losses, shares = [], []
    of_steps: dict[str, list[dict[str, Any]]] = {title: [] for title, _ in _OF_STEPS}
    for number, (mark, run) in enumerate(runs):
        add = _Adder(number, mark, run)
        losses += add.series("training, each step logged", run.steps, "loss")
        for key, name in _LOSSES.items():
            losses += add.series(name, run.epochs, key)
        for key, name in _SHARES.items():
            shares += add.series(name, run.epochs, key, shown=key not in _HIDDEN)
        for title, key in _OF_STEPS:
            of_steps[title] += add.series(title, run.steps, key)
    plots = [
        {"title": "loss", "percent": False, "series": losses},
        {"title": "accuracy", "percent": True, "series": shares},
        *({"title": t, "percent": False, "series": series} for t, series in of_steps.items()),
    ]
    return [plot for plot in plots if plot["series"]]


class _Adder:
    """Makes series of a run."""

    def __init__(self, number: int, mark: str, run: RunContents) -> None:
        self._number, self._mark = number, mark
        ends = [(line["step"], line["epoch"]) for line in run.epochs]
        if not ends:
            # nobody knows yet how long an epoch is
            ends = [(max((line["step"] for line in run.steps), default=1), 1)]
        # goes on at the pace of the last epoch
        (step, epoch), first = ends[-1], ends[0]
        pace = (step - (ends[-2][0] if len(ends) > 1 else 0)) or first[0]
        self._ends = [(0, 0), *ends, (step + 1000 * pace, epoch + 1000)]

    def series(
        self, name: str, lines: Sequence[Mapping[str, Any]], key: str, *, shown: bool = True
    ) -> list[dict[str, Any]]:
        """The series of a figure; none where no line has it."""
        points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        if not points:
            return []
        steps, values = (np.array(part, np.float64) for part in zip(*points, strict=True))
        parts = min(len(steps), _MOST_POINTS)
        means = [
            (float(s.mean()), float(v.mean()))
            for s, v in zip(
                np.array_split(steps, parts), np.array_split(values, parts), strict=True
            )
        ]
        at, epochs = zip(*self._ends, strict=True)
        return [
            {
                "name": f"{self._mark} {name}".strip(),
                "run": self._number,
                "shown": shown,
                "steps": [round(s, 1) for s, _ in means],
                "epochs": [round(float(np.interp(s, at, epochs)), 4) for s, _ in means],
                # what is no number can't be in JSON; a gap is shown
                "values": [float(f"{v:.5g}") if np.isfinite(v) else None for _, v in means],
            }
        ]
