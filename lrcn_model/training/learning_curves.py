"""The curves of a training: what metrics.jsonl says of its steps and epochs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrcn_model.pictures.curves_picture import Curve, Panel, draw_curves
from lrcn_model.training.metrics_log import is_epoch, kept_epoch

_LOSS, _VAL = "loss", "val_"

_NO_FIGURES = ("val_temperature", "val_videos")


def learning_curves(metrics: Sequence[dict[str, Any]]) -> list[Panel]:
    """The curves of losses, of accuracies and other fractions, and of the learning rate.

    Args:
        metrics: The lines of metrics.jsonl.
    """
    steps = [line for line in metrics if not is_epoch(line)]
    epochs = [line for line in metrics if is_epoch(line)]
    of_val = dict.fromkeys(
        name
        for line in epochs
        for name, value in line.items()
        if name.startswith(_VAL) and name not in _NO_FIGURES and value is not None
    )
    losses = [name for name in of_val if name.endswith(_LOSS)]
    fractions = [name for name in of_val if name not in losses]
    panels = [
        Panel(
            scale="loss",
            curves=[
                _curve("step", steps, _LOSS, faint=True),
                _curve("train", epochs, _LOSS),
                *(_curve(_shown(name), epochs, name) for name in losses),
            ],
        ),
        Panel(
            scale="accuracy",
            curves=[
                _curve("train", epochs, "accuracy"),
                *(_curve(_shown(name), epochs, name) for name in fractions),
            ],
            fractions=True,
        ),
        Panel(scale="learning rate", curves=[_curve("step", steps, "lr")]),
    ]
    there = ([curve for curve in panel.curves if curve.steps] for panel in panels)
    return [
        Panel(scale=panel.scale, curves=curves, fractions=panel.fractions)
        for panel, curves in zip(panels, there, strict=True)
        if curves
    ]


def draw_learning_curves(path: Path, metrics: Path) -> None:
    """Draw the curves of a training.

    Args:
        path: The PNG to write.
        metrics: The path of metrics.jsonl.

    Raises:
        ImportError: matplotlib is not installed.
        LrcnError: The file can't be written.
    """
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    epochs = [line for line in lines if is_epoch(line)]
    kept = kept_epoch(epochs)["step"] if epochs else None
    ends = [line["step"] for line in epochs]
    draw_curves(path, learning_curves(lines), epoch_ends=ends, kept=kept)


def _curve(
    name: str, lines: Sequence[dict[str, Any]], figure: str, *, faint: bool = False
) -> Curve:
    there = [line for line in lines if figure in line]
    values = [math.nan if line[figure] is None else float(line[figure]) for line in there]
    return Curve(name=name, steps=[line["step"] for line in there], values=values, faint=faint)


def _shown(name: str) -> str:
    """What the legend calls a figure."""
    figure = name.removeprefix(_VAL).replace("_", " ")
    figure = figure.replace("mean average precision", "mAP").replace("frame map", "frame mAP")
    figure = figure.replace("f1 50", "segmental F1").replace("top5", "top 5")
    return f"val {figure}"
