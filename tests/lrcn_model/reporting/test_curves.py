"""Curves over steps and epochs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrcn_model.reporting.curves import curves
from lrcn_model.reporting.run_contents import RunContents
from lrcn_model.run_folder import RunFolder


def run_of(steps: list[dict], epochs: list[dict]) -> RunContents:
    return RunContents(
        name="run",
        folder=RunFolder(Path("run")),
        config={},
        record={},
        steps=steps,
        epochs=epochs,
        evaluation=None,
        evaluation_record={},
        without="",
    )


def test_steps_lie_between_the_epochs_that_they_are_of() -> None:
    steps = [{"step": n, "epoch": 1 + (n - 1) // 20, "loss": 1 / n} for n in (10, 20, 30, 50)]
    epochs = [{"step": 20 * n, "epoch": n, "loss": 0.5 / n, "val_accuracy": n / 4} for n in (1, 2)]
    loss, accuracy = curves([("", run_of(steps, epochs))])
    of_steps, of_epochs = loss["series"]
    assert of_steps["steps"] == [10, 20, 30, 50]
    assert of_steps["epochs"] == [0.5, 1, 1.5, 2.5]
    assert of_epochs["epochs"] == [1, 2]
    assert accuracy["percent"]
    assert accuracy["series"][0]["values"] == [0.25, 0.5]


def test_many_points_become_means_of_neighbours_and_what_is_no_number_a_gap() -> None:
    steps = [{"step": n, "epoch": 1, "loss": float(n % 2)} for n in range(1, 2401)]
    steps.append({"step": 2401, "epoch": 1, "loss": float("nan")})
    [loss] = curves([("A", run_of(steps, []))])
    [series] = loss["series"]
    assert series["name"] == "A training, each step logged"
    assert len(series["values"]) == 600
    assert series["values"][:-1] == pytest.approx([0.5] * 599, abs=0.11)
    assert series["values"][-1] is None


def test_several_runs_are_told_apart() -> None:
    one, other = ([{"step": 1, "epoch": 1, "lr": rate}] for rate in (0.1, 0.2))
    [rates] = curves([("A", run_of(one, [])), ("B", run_of(other, []))])
    assert [(s["name"], s["run"], s["values"]) for s in rates["series"]] == [
        ("A learning rate", 0, [0.1]),
        ("B learning rate", 1, [0.2]),
    ]
