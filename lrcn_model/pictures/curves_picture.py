"""Curves over the steps of a training, in panels below one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrcn_model.pictures.plot import BLUE, FAINT, GREEN, RED, Plot, percent

_WIDTH, _PANEL_HEIGHT = 8.0, 2.4

_COLOURS = (BLUE, RED, GREEN, "#8a5fb0", "#b8862b", "#4f9fa8")

_MOST_EPOCHS = 12
"""Epochs up to which each has its number above the curves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Values over steps.

    Attributes:
        name: What the legend calls it.
        steps: The steps, ascending.
        values: A value of each; nan where there is none.
        faint: Whether it is drawn as a thin line behind the others, without points.
    """

    name: str
    steps: Sequence[int]
    values: Sequence[float]
    faint: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Curves over one scale.

    Attributes:
        scale: What the scale is of.
        curves: The curves; one at least.
        fractions: Whether values are fractions, shown in percent.
    """

    scale: str
    curves: Sequence[Curve]
    fractions: bool = False


def draw_curves(
    path: Path, panels: Sequence[Panel], *, epoch_ends: Sequence[int], kept: int | None
) -> None:
    """Draw panels below one another, steps below and epochs above.

    Args:
        path: The PNG to write.
        panels: The panels, from top to bottom.
        epoch_ends: The step that each epoch ended with.
        kept: The step of which the weights were kept; it is marked. None for none.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    last = max((curve.steps[-1] for panel in panels for curve in panel.curves), default=1)
    with Plot(_WIDTH, 0.4 + _PANEL_HEIGHT * len(panels)) as plot:
        for number, panel in enumerate(panels, 1):
            axes = plot.add(len(panels), 1, number)
            _draw_panel(axes, panel)
            axes.set_xlim(0, last * 1.01)
            if kept is not None:
                axes.axvline(kept, color=FAINT, linestyle=":", label="weights kept")
            if number == 1:
                _show_epochs(axes, epoch_ends)
            if number == len(panels):
                axes.set_xlabel("step")
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        plot.write(path)


def _draw_panel(axes: Any, panel: Panel) -> None:
    colours = iter(_COLOURS * len(panel.curves))
    for curve in panel.curves:
        if curve.faint:
            look = {"color": "#a9c4e4", "linewidth": 0.9}
        else:
            look = {"color": next(colours), "linewidth": 1.5, "marker": ".", "markersize": 5}
            if len(curve.steps) > 60:
                look |= {"marker": ""}
        axes.plot(curve.steps, curve.values, label=curve.name, **look)
    axes.set_ylabel(panel.scale)
    axes.grid()
    if panel.fractions:
        axes.set_ylim(0, 1.02)
        percent(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _show_epochs(axes: Any, epoch_ends: Sequence[int]) -> None:
    every = -(-len(epoch_ends) // _MOST_EPOCHS) or 1
    shown = [n for n in range(1, len(epoch_ends) + 1) if n % every == 0]
    above = axes.secondary_xaxis("top")
    above.set_xticks([epoch_ends[n - 1] for n in shown], shown)
    above.set_xlabel("epoch")
